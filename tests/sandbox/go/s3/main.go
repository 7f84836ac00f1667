// Copyright: (c) 2026, okd.registry contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command s3 serves directories as buckets by the S3 protocol: Versity's gateway, unchanged, with its POSIX backend.
// Its own command would need the clients of four other clouds to be compiled, which nobody asks here.
//
//	S3_LISTEN=:9000 S3_DIRECTORY=/srv S3_ACCESS_KEY=… S3_SECRET_KEY=… [S3_CERT=… S3_KEY=…] s3
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	options := posix.PosixOpts{Concurrency: 64, CopyObjectThreshold: 5 << 30} // bytes; S3's own limit
	backend, err := posix.New(os.Getenv("S3_DIRECTORY"), meta.XattrMeta{}, options)
	if err != nil {
		log.Fatal(err)
	}
	err = embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
		RootUserAccess:    os.Getenv("S3_ACCESS_KEY"),
		RootUserSecret:    os.Getenv("S3_SECRET_KEY"),
		Ports:             []string{os.Getenv("S3_LISTEN")},
		CertFile:          os.Getenv("S3_CERT"),
		KeyFile:           os.Getenv("S3_KEY"),
		HealthPath:        "/healthz",
		MaxConnections:    1000,
		MaxRequests:       500,
		MultipartMaxParts: 10000,
		KeepAlive:         true,
		Quiet:             true,
	})
	if err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}
