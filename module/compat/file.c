// SPDX-License-Identifier: GPL-2.0-or-later
/* Descriptors and mappings that kernels make in different ways. */
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

#ifdef GM_HAVE_VMALLOC_USER

void *gm_mmap_alloc(size_t size)
{
	return vmalloc_user(size);
}

int gm_mmap_to(struct vm_area_struct *vma, void *area, size_t size)
{
	return remap_vmalloc_range(vma, area, vma->vm_pgoff);
}

#else

void *gm_mmap_alloc(size_t size)
{
	void *p = vmalloc(size);

	if (p)
		memset(p, 0, size);
	return p;
}

int gm_mmap_to(struct vm_area_struct *vma, void *area, size_t size)
{
	unsigned long at, len = vma->vm_end - vma->vm_start;
	unsigned long off = vma->vm_pgoff << PAGE_SHIFT;
	int ret = 0;

	if (vma->vm_pgoff > size >> PAGE_SHIFT || len > size - off)
		return -EINVAL;
	for (at = 0; at < len && !ret; at += PAGE_SIZE)
		ret = vm_insert_page(vma, vma->vm_start + at,
				     vmalloc_to_page((char *)area + off + at));
	return ret;
}

#endif
