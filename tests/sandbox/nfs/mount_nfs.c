// Copyright: (c) 2026, okd.registry contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// mount.nfs for a kernel without NFS: a FUSE file system over libnfs, a client in user space.
//
//   mount.nfs SERVER:/PATH TARGET [-sfnvrw] [-o OPTIONS]      as mount(8) calls it
//
// It speaks NFS version 3 over TCP whatever `vers=` says: libnfs 4.0 fails on larger writes of version 4. Options that
// mount.nfs knows are accepted, all but "ro" without effect; others are refused, as mount.nfs does. What may be done
// is judged twice, as with the kernel's client: here by mode, owner and all groups of the caller, and by the server,
// which is told the caller's user, group and (up to 16) other groups. No locks.
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <nfsc/libnfs.h>
#include <nfsc/libnfs-zdr.h> // needs what libnfs.h declares

#define MAX_GROUPS 16 // of AUTH_SYS (RFC 5531)
#define MOUNT_FAILED 32

// mount(8) has these out of fstab or the command line; nfs(5) has the rest. "x=" takes a value.
static const char *const known_options[] = {
	"ro", "rw", "defaults", "bg", "fg", "soft", "hard", "softerr", "intr", "nointr", "tcp", "tcp6", "udp", "udp6", "rdma",
	"ac", "noac", "acl", "noacl", "cto", "nocto", "lock", "nolock", "posix", "noposix", "resvport", "noresvport",
	"rdirplus", "nordirplus", "sharecache", "nosharecache", "fsc", "nofsc", "migration", "nomigration", "v3", "v4",
	"v4.0", "v4.1", "v4.2", "atime", "noatime", "relatime", "norelatime", "strictatime", "diratime", "nodiratime",
	"exec", "noexec", "suid", "nosuid", "dev", "nodev", "sync", "async", "_netdev", "auto", "noauto", "user", "nouser",
	"nofail", "remount", "vers=", "nfsvers=", "minorversion=", "proto=", "mountproto=", "mountvers=", "mountport=",
	"mounthost=", "mountaddr=", "port=", "addr=", "clientaddr=", "sec=", "rsize=", "wsize=", "bsize=", "namlen=", "timeo=",
	"retrans=", "retry=", "acregmin=", "acregmax=", "acdirmin=", "acdirmax=", "actimeo=", "lookupcache=", "local_lock=",
	"nconnect=", "max_connect=", "xprtsec=", "context=", "fscontext=", "defcontext=", "rootcontext=", NULL,
};

static struct nfs_context *nfs;
static size_t chunk = 1 << 20; // bytes in one write; the server may want less

static int known(const char *option) {
	size_t length = strcspn(option, "=");
	int has_value = option[length] == '=';

	if (!strncmp(option, "x-", 2) || !strncmp(option, "comment=", 8)) return 1;
	for (const char *const *one = known_options; *one; one++)
		if (!strncmp(*one, option, length) && strlen(*one) == length + has_value && (!has_value || (*one)[length] == '='))
			return 1;
	return 0;
}

// The next calls are made in the name of who asks now.
static void as_caller(void) {
	static uid_t uid;
	static gid_t gid;
	static uint32_t groups[MAX_GROUPS];
	static int count = -1;
	struct fuse_context *caller = fuse_get_context();
	gid_t found[1024];
	int number = fuse_getgroups(sizeof found / sizeof *found, found);

	if (number < 0) number = 0;
	if (number > MAX_GROUPS) number = MAX_GROUPS;
	if (caller->uid == uid && caller->gid == gid && number == count && !memcmp(found, groups, number * sizeof *groups))
		return;
	uid = caller->uid;
	gid = caller->gid;
	count = number;
	for (int index = 0; index < number; index++) groups[index] = found[index];
	nfs_set_auth(nfs, libnfs_authunix_create("node", uid, gid, number, groups)); // takes the old one away
}

static struct nfsfh *file(const struct fuse_file_info *info) { return (struct nfsfh *)(uintptr_t)info->fh; }

static int op_getattr(const char *path, struct stat *out, struct fuse_file_info *info) {
	struct nfs_stat_64 in;
	int result;

	(void)info;
	as_caller();
	if ((result = nfs_lstat64(nfs, path, &in))) return result;
	memset(out, 0, sizeof *out);
	out->st_ino = in.nfs_ino;
	out->st_mode = in.nfs_mode;
	out->st_nlink = in.nfs_nlink;
	out->st_uid = in.nfs_uid;
	out->st_gid = in.nfs_gid;
	out->st_size = in.nfs_size;
	out->st_blksize = in.nfs_blksize;
	out->st_blocks = (in.nfs_size + 511) / 512;
	out->st_atim = (struct timespec){in.nfs_atime, in.nfs_atime_nsec};
	out->st_mtim = (struct timespec){in.nfs_mtime, in.nfs_mtime_nsec};
	out->st_ctim = (struct timespec){in.nfs_ctime, in.nfs_ctime_nsec};
	return 0;
}

static int op_readdir(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *info,
		      enum fuse_readdir_flags flags) {
	struct nfsdir *directory;
	struct nfsdirent *entry;
	int result;

	(void)offset, (void)info, (void)flags;
	as_caller();
	if ((result = nfs_opendir(nfs, path, &directory))) return result;
	while ((entry = nfs_readdir(nfs, directory))) fill(buffer, entry->name, NULL, 0, 0);
	nfs_closedir(nfs, directory);
	return 0;
}

static int op_open(const char *path, struct fuse_file_info *info) {
	struct nfsfh *handle;
	int result;

	as_caller();
	// The kernel gives the offset of every write, also of one that appends.
	if ((result = nfs_open(nfs, path, info->flags & (O_ACCMODE | O_TRUNC | O_SYNC), &handle))) return result;
	info->fh = (uintptr_t)handle;
	return 0;
}

static int op_create(const char *path, mode_t mode, struct fuse_file_info *info) {
	struct nfsfh *handle;
	int result;

	as_caller();
	result = nfs_create(nfs, path, (info->flags & (O_ACCMODE | O_TRUNC | O_EXCL)) | O_CREAT, mode & 07777, &handle);
	if (result) return result;
	nfs_fchmod(nfs, handle, mode & 07777);
	info->fh = (uintptr_t)handle;
	return 0;
}

static int op_read(const char *path, char *data, size_t size, off_t offset, struct fuse_file_info *info) {
	(void)path;
	as_caller();
	return nfs_pread(nfs, file(info), offset, size, data);
}

static int op_write(const char *path, const char *data, size_t size, off_t offset, struct fuse_file_info *info) {
	size_t done = 0;

	(void)path;
	as_caller();
	while (done < size) {
		size_t part = size - done < chunk ? size - done : chunk;
		int result = nfs_pwrite(nfs, file(info), offset + done, part, data + done);
		if (result < 0) return done ? (int)done : result;
		if (!result) break;
		done += result;
	}
	return done;
}

static int op_release(const char *path, struct fuse_file_info *info) {
	(void)path;
	return nfs_close(nfs, file(info));
}

static int op_fsync(const char *path, int only_data, struct fuse_file_info *info) {
	(void)path, (void)only_data;
	as_caller();
	return nfs_fsync(nfs, file(info));
}

static int op_truncate(const char *path, off_t size, struct fuse_file_info *info) {
	as_caller();
	return info ? nfs_ftruncate(nfs, file(info), size) : nfs_truncate(nfs, path, size);
}

static int op_mkdir(const char *path, mode_t mode) {
	as_caller();
	return nfs_mkdir2(nfs, path, mode);
}

static int op_unlink(const char *path) {
	as_caller();
	return nfs_unlink(nfs, path);
}

static int op_rmdir(const char *path) {
	as_caller();
	return nfs_rmdir(nfs, path);
}

static int op_rename(const char *from, const char *to, unsigned flags) {
	if (flags) return -EINVAL;
	as_caller();
	return nfs_rename(nfs, from, to);
}

static int op_chmod(const char *path, mode_t mode, struct fuse_file_info *info) {
	(void)info;
	as_caller();
	return nfs_chmod(nfs, path, mode & 07777);
}

static int op_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *info) {
	struct nfs_stat_64 now;
	int result;

	(void)info;
	as_caller();
	if ((result = nfs_lstat64(nfs, path, &now))) return result;
	return nfs_lchown(nfs, path, uid == (uid_t)-1 ? (int)now.nfs_uid : (int)uid, gid == (gid_t)-1 ? (int)now.nfs_gid : (int)gid);
}

static int op_symlink(const char *target, const char *path) {
	as_caller();
	return nfs_symlink(nfs, target, path);
}

static int op_link(const char *from, const char *to) {
	as_caller();
	return nfs_link(nfs, from, to);
}

static int op_readlink(const char *path, char *target, size_t size) {
	as_caller();
	return nfs_readlink(nfs, path, target, size);
}

static int op_utimens(const char *path, const struct timespec given[2], struct fuse_file_info *info) {
	struct timeval times[2];
	struct timespec now;

	(void)info;
	as_caller();
	clock_gettime(CLOCK_REALTIME, &now);
	for (int index = 0; index < 2; index++) {
		const struct timespec *one = given[index].tv_nsec == UTIME_NOW ? &now : &given[index];
		times[index] = (struct timeval){one->tv_sec, one->tv_nsec / 1000};
	}
	return nfs_lutimes(nfs, path, times);
}

static int op_statfs(const char *path, struct statvfs *out) {
	as_caller();
	return nfs_statvfs(nfs, path, out);
}

static const struct fuse_operations operations = {
	.getattr = op_getattr, .readdir = op_readdir, .open = op_open, .create = op_create, .read = op_read, .write = op_write,
	.release = op_release, .fsync = op_fsync, .truncate = op_truncate, .mkdir = op_mkdir, .unlink = op_unlink,
	.rmdir = op_rmdir, .rename = op_rename, .chmod = op_chmod, .chown = op_chown, .symlink = op_symlink, .link = op_link,
	.readlink = op_readlink, .utimens = op_utimens, .statfs = op_statfs,
};

// In the words of mount.nfs (nfs-utils).
static int refused(const char *source, const char *path, int error) {
	if (error == EACCES || error == EPERM)
		fprintf(stderr, "mount.nfs: access denied by server while mounting %s:%s\n", source, path);
	else if (error == ENOENT || error == ENOTDIR)
		fprintf(stderr, "mount.nfs: mounting %s:%s failed, reason given by server: %s\n", source, path, strerror(error));
	else
		fprintf(stderr, "mount.nfs: mounting %s:%s failed: %s\n", source, path, nfs_get_error(nfs));
	return MOUNT_FAILED;
}

int main(int argc, char **argv) {
	int read_only = 0, letter, result;
	char *source, *path, *target, settings[1024];

	if (argc == 2 && !strcmp(argv[1], "-V")) {
		printf("mount.nfs: in user space, FUSE %s\n", fuse_pkgversion());
		return 0;
	}
	if (argc < 3) {
		fprintf(stderr, "usage: %s SERVER:/PATH TARGET [-sfnvrw] [-o OPTIONS]\n", argv[0]);
		return 1;
	}
	source = argv[1];
	target = argv[2];
	optind = 3;
	while ((letter = getopt(argc, argv, "o:sfnvrwh")) != -1) {
		if (letter == 'r') read_only = 1;
		if (letter == 'f') return 0;
		if (letter != 'o') continue;
		for (char *option = strtok(optarg, ","); option; option = strtok(NULL, ",")) {
			if (!known(option)) {
				fprintf(stderr, "mount.nfs: an incorrect mount option was specified: %s\n", option);
				return MOUNT_FAILED;
			}
			if (!strcmp(option, "ro")) read_only = 1;
			if (!strcmp(option, "rw")) read_only = 0;
		}
	}
	path = strstr(source, ":/");
	if (!path) {
		fprintf(stderr, "mount.nfs: remote share not in 'host:dir' format\n");
		return MOUNT_FAILED;
	}
	*path++ = 0;
	nfs = nfs_init_context();
	nfs_set_version(nfs, 3);
	if ((result = nfs_mount(nfs, source, path))) return refused(source, path, -result);
	if (nfs_get_writemax(nfs) && nfs_get_writemax(nfs) < chunk) chunk = nfs_get_writemax(nfs);
	snprintf(settings, sizeof settings, "allow_other,default_permissions,dev,suid,fsname=%s:%s,subtype=nfs%s", source,
		 path, read_only ? ",ro" : "");
	char *words[] = {argv[0], "-s", "-o", settings, target, NULL};
	return fuse_main(5, words, &operations, NULL);
}
