// SPDX-License-Identifier: GPL-2.0-or-later
/* Descriptors, which kernels make in different ways. */
#include "module/compat/compat.h"

#include <linux/anon_inodes.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/mount.h>
#include <linux/spinlock.h>

u64 gm_serial_next(void)
{
	static DEFINE_SPINLOCK(lock);
	static u64 last;
	u64 serial;

	spin_lock(&lock);
	serial = ++last;
	spin_unlock(&lock);
	return serial;
}

#if defined(GM_HAVE_ANON_INODE_FLAGS)

int gm_fd_get(struct file *from, const char *name, const struct file_operations *fops, void *data)
{
	return anon_inode_getfd(name, fops, data, O_RDWR | O_CLOEXEC);
}

#elif defined(GM_HAVE_ANON_INODE_FD)

int gm_fd_get(struct file *from, const char *name, const struct file_operations *fops, void *data)
{
	struct inode *inode;
	struct file *file;
	int fd, ret = anon_inode_getfd(&fd, &inode, &file, name, fops, data);

	return ret ? ret : fd;
}

#else

/* The device file opened once more, with other operations: its reference on the module stays right,
 * because all of them are this module's. */
int gm_fd_get(struct file *from, const char *name, const struct file_operations *fops, void *data)
{
	struct file *file;
	int fd = get_unused_fd();

	if (fd < 0)
		return fd;
	file = dentry_open(dget(from->f_dentry), mntget(from->f_vfsmnt), O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	file->f_op = (struct file_operations *)fops;
	file->private_data = data;
	fd_install(fd, file);
	return fd;
}

#endif
