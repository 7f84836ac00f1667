// Copyright: (c) 2026, okd.registry contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command dockershim serves the Container Runtime Interface (runtime.v1) for a Docker daemon, with
// the dockershim that was part of Kubernetes up to 1.23.
//
// That dockershim speaks runtime.v1alpha2 only. runtime.v1 has the same messages with the same
// field numbers, so a call is handed on byte for byte under the older service name.
package main

import (
	"context"
	"flag"
	"net"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"k8s.io/klog/v2"
	kubeletconfig "k8s.io/kubernetes/pkg/kubelet/apis/config"
	"k8s.io/kubernetes/pkg/kubelet/cri/streaming"
	"k8s.io/kubernetes/pkg/kubelet/dockershim"
	dockerremote "k8s.io/kubernetes/pkg/kubelet/dockershim/remote"
)

const maxMessage = 16 << 20 // bytes; the kubelet's own limit for CRI messages

// raw is a gRPC codec that leaves messages as the bytes they came as.
type raw struct{}

func (raw) Marshal(v interface{}) ([]byte, error) { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v interface{}) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (raw) Name() string { return "proto" }

// forward hands every unary call on to the older service.
func forward(to *grpc.ClientConn) grpc.StreamHandler {
	return func(_ interface{}, stream grpc.ServerStream) error {
		method, ok := grpc.MethodFromServerStream(stream)
		if !ok {
			return status.Error(codes.Internal, "the call names no method")
		}
		method = strings.Replace(method, "/runtime.v1.", "/runtime.v1alpha2.", 1)
		var request, response []byte
		if err := stream.RecvMsg(&request); err != nil {
			return err
		}
		if err := to.Invoke(stream.Context(), method, &request, &response, grpc.ForceCodec(raw{})); err != nil {
			return err
		}
		return stream.SendMsg(&response)
	}
}

func must(err error) {
	if err != nil {
		klog.Fatal(err)
	}
}

func main() {
	klog.InitFlags(nil)
	listen := flag.String("listen", "/run/dockershim.sock", "socket of the CRI")
	docker := flag.String("docker-endpoint", "unix:///var/run/docker.sock", "the Docker daemon's address")
	pause := flag.String("pod-infra-container-image", "sandbox/pause:1", "image of the container that holds a pod's namespaces")
	cniConf := flag.String("cni-conf-dir", "/etc/cni/net.d", "where CNI configurations are")
	cniBin := flag.String("cni-bin-dir", "/usr/lib/cni", "where CNI plugins are")
	driver := flag.String("cgroup-driver", "cgroupfs", "cgroupfs or systemd; the kubelet's must be the same")
	root := flag.String("root-dir", "/var/lib/dockershim", "state (checkpoints of pods)")
	flag.Parse()

	inner := *listen + ".v1alpha2"
	for _, socket := range []string{*listen, inner} {
		if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
			klog.Fatal(err)
		}
	}
	stream := streaming.DefaultConfig
	stream.Addr = "127.0.0.1:0"
	service, err := dockershim.NewDockerService(
		&dockershim.ClientConfig{DockerEndpoint: *docker, RuntimeRequestTimeout: 2 * time.Minute, ImagePullProgressDeadline: time.Minute},
		*pause, &stream,
		&dockershim.NetworkPluginSettings{
			HairpinMode: kubeletconfig.HairpinVeth, PluginName: "cni", PluginConfDir: *cniConf,
			PluginBinDirString: *cniBin, PluginCacheDir: "/var/lib/cni/cache"},
		"", *driver, *root)
	must(err)
	must(dockerremote.NewDockerServer("unix://"+inner, service).Start())
	older, err := grpc.Dial(inner, grpc.WithInsecure(), grpc.WithContextDialer(func(_ context.Context, address string) (net.Conn, error) {
		return net.Dial("unix", address)
	}))
	must(err)
	server := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
		grpc.ForceServerCodec(raw{}), grpc.UnknownServiceHandler(forward(older)))
	socket, err := net.Listen("unix", *listen)
	must(err)
	klog.Infof("serving the CRI (v1) for %s on %s", *docker, *listen)
	must(server.Serve(socket))
}
