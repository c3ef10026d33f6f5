// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The VNC server's sockets, password and threads. vnc_client.c speaks the protocol, vnc_none.c
 * stands in for both where libvncserver is missing.
 */
#ifdef HAVE_LIBVNCSERVER
#include "vmm/ui/vnc_int.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "vmm/loop.h"
#include "vmm/machine.h"
#include "vmm/sandbox/keeper.h"
#include "vmm/sandbox/sandbox.h"

#define DISPLAYS_TRIED 100u
#define PORT_BASE      5900u

/* ---- clients ---- */

static void *client_thread(void *arg)
{
	struct vnc_client *c = arg, **p;
	struct gm_vnc *v = c->v;

	pthread_setname_np(pthread_self(), "vnc");
	vnc_client_serve(c);
	pthread_mutex_lock(&v->lock);
	for (p = &v->clients; *p && *p != c; p = &(*p)->next)
		;
	if (*p)
		*p = c->next;
	close(c->own_fd);
	close(c->wake_fd);
	free(c);
	v->nclients--;
	pthread_cond_signal(&v->gone);
	pthread_mutex_unlock(&v->lock);
	return NULL;
}

/* Signals go to the main thread. */
static int thread_start(struct vnc_client *c)
{
	pthread_attr_t attr;
	sigset_t all, old;
	pthread_t thread;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	gm_sandbox_sigmask(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&thread, &attr, client_thread, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return err;
}

static void client_add(struct gm_vnc *v, int fd)
{
	struct vnc_client *c = NULL;

	pthread_mutex_lock(&v->lock);
	if (v->nclients < VNC_CLIENTS_MAX && !v->stopping)
		c = vnc_client_new(v, fd);
	else
		close(fd);
	if (c) {
		c->next = v->clients;
		v->clients = c;
		v->nclients++;
		if (thread_start(c)) {
			v->clients = c->next;
			v->nclients--;
			close(c->fd);
			close(c->own_fd);
			close(c->wake_fd);
			free(c);
		}
	}
	pthread_mutex_unlock(&v->lock);
}

static void listen_event(void *opaque, u32 events)
{
	struct gm_vnc *v = opaque;
	unsigned int i;
	int fd;

	for (i = 0; i < v->nlisten; i++) {
		fd = accept4(v->listen[i], NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			client_add(v, fd);
	}
}

/* ---- listening ---- */

static int listen_add(struct gm_vnc *v, int fd)
{
	int err = v->nlisten == VNC_LISTEN_MAX ? -ENOSPC : listen(fd, 8) ? -errno : 0;

	if (!err)
		err = gm_loop_add(v->m->loop, fd, EPOLLIN, listen_event, v);
	if (!err)
		v->listen[v->nlisten++] = fd;
	return err;
}

static int listen_at(struct gm_vnc *v, const struct addrinfo *a)
{
	int one = 1, err, fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (a->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	err = bind(fd, a->ai_addr, a->ai_addrlen) ? -errno : listen_add(v, fd);
	if (err)
		close(fd);
	return err;
}

static bool is_loopback(const struct addrinfo *a)
{
	const struct sockaddr_in *in = (const void *)a->ai_addr;
	const struct sockaddr_in6 *in6 = (const void *)a->ai_addr;

	if (a->ai_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
	return ntohl(in->sin_addr.s_addr) >> 24 == 127;
}

/* All addresses of the host name. */
static int listen_tcp(struct gm_vnc *v, const char *host, unsigned int display, char *err,
		      size_t errlen)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list, *a;
	bool local = true;
	char port[8];
	int ret;

	snprintf(port, sizeof(port), "%u", PORT_BASE + display);
	ret = getaddrinfo(host, port, &hints, &list);
	if (ret) {
		snprintf(err, errlen, "%s: %s", host, gai_strerror(ret));
		return -EINVAL;
	}
	ret = -EADDRNOTAVAIL;
	for (a = list; a && v->nlisten < VNC_LISTEN_MAX; a = a->ai_next) {
		ret = listen_at(v, a);
		if (ret)
			break;
		local = local && is_loopback(a);
	}
	freeaddrinfo(list);
	if (ret)
		snprintf(err, errlen, "port %s of %s: %s", port, host, strerror(-ret));
	else if (!local && !v->passwords[0])
		gm_machine_warn(v->m, "VNC: who reaches %s:%s controls the machine: there is no "
				      "password", host, port);
	return ret;
}

static int listen_unix(struct gm_vnc *v, const char *path, char *err, size_t errlen)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	mode_t mask;
	int fd, ret;

	if (strlen(path) >= sizeof(a.sun_path)) {
		snprintf(err, errlen, "%s: the path is too long for a socket", path);
		return -ENAMETOOLONG;
	}
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177);
	ret = fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) ? -errno : 0;
	umask(mask);
	if (!ret) {
		v->path = strdup(path);
		ret = v->path ? gm_keeper_allow(v->m->keeper, GM_KEEPER_UNLINK, path) : -ENOMEM;
		if (!ret)
			ret = listen_add(v, fd);
	}
	if (!ret)
		return 0;
	if (fd >= 0)
		close(fd);
	snprintf(err, errlen, "%s: %s", path, strerror(-ret));
	return ret;
}

/* Nobody said where: the first display that is free on this host. */
static int listen_free(struct gm_vnc *v, char *err, size_t errlen)
{
	unsigned int n;
	int ret = -EADDRINUSE;

	for (n = 0; n < DISPLAYS_TRIED && ret == -EADDRINUSE; n++)
		ret = listen_tcp(v, "127.0.0.1", n, err, errlen);
	if (!ret)
		gm_machine_warn(v->m, "VNC: the screen is display :%u of this host (port %u)", n - 1,
				PORT_BASE + n - 1);
	return ret;
}

static bool address_split(const char *address, char *host, size_t len, unsigned int *display)
{
	const char *colon = strrchr(address, ':');
	size_t n = colon ? (size_t)(colon - address) : 0;
	unsigned long d;
	char *end;

	if (!colon || colon[1] < '0' || colon[1] > '9')
		return false;
	d = strtoul(colon + 1, &end, 10);
	if (*end || d > 65535 - PORT_BASE)
		return false;
	*display = (unsigned int)d;
	if (n >= 2 && address[0] == '[' && address[n - 1] == ']') {
		address++;
		n -= 2;
	}
	snprintf(host, len, "%.*s", (int)n, n ? address : "");
	if (!n)
		snprintf(host, len, "127.0.0.1");
	return n < len;
}

bool gm_vnc_address_check(const char *address)
{
	unsigned int display;
	char host[256];

	return (!strncmp(address, "unix:", 5) && address[5]) ||
	       address_split(address, host, sizeof(host), &display);
}

static int listen_start(struct gm_vnc *v, const char *address, char *err, size_t errlen)
{
	unsigned int display;
	char host[256];

	if (!address)
		return listen_free(v, err, errlen);
	if (!strncmp(address, "unix:", 5))
		return listen_unix(v, address + 5, err, errlen);
	if (!address_split(address, host, sizeof(host), &display)) {
		snprintf(err, errlen, "'%s' is not an address ([HOST]:DISPLAY, unix:PATH)", address);
		return -EINVAL;
	}
	return listen_tcp(v, host, display, err, errlen);
}

/* ---- the password ---- */

/* The first line; others than its owner must not be able to read the file. */
static int password_read(struct gm_vnc *v, const char *path, char *err, size_t errlen)
{
	FILE *f = fopen(path, "re");
	char line[256] = "";
	struct stat st;
	int ret = 0;

	if (!f || fstat(fileno(f), &st)) {
		ret = -errno;
		snprintf(err, errlen, "%s: %s", path, strerror(errno));
	} else if (st.st_mode & (S_IROTH | S_IWOTH)) {
		ret = -EPERM;
		snprintf(err, errlen, "%s: everybody can read this password: chmod 600", path);
	} else {
		if (fgets(line, sizeof(line), f))
			line[strcspn(line, "\r\n")] = 0;
		snprintf(v->password, sizeof(v->password), "%.*s", VNC_PASSWORD, line);
		v->passwords[0] = v->password;
	}
	if (!ret && !v->password[0]) {
		ret = -EINVAL;
		snprintf(err, errlen, "%s: the first line is empty", path);
	}
	explicit_bzero(line, sizeof(line));
	if (f)
		fclose(f);
	return ret;
}

/* ---- life ---- */

static void vnc_free(struct gm_vnc *v)
{
	unsigned int i;

	for (i = 0; i < v->nlisten; i++) {
		gm_loop_remove(v->m->loop, v->listen[i]);
		close(v->listen[i]);
	}
	if (v->path) {
		gm_keeper_unlink(v->m->keeper, v->path);
		free(v->path);
	}
	vnc_library_close(v);
	explicit_bzero(v->password, sizeof(v->password));
	pthread_cond_destroy(&v->gone);
	pthread_mutex_destroy(&v->lock);
	free(v->name);
	free(v);
}

int gm_vnc_start(struct gm_machine *m, const struct gm_vnc_cfg *cfg, struct gm_vnc **out, char *err,
		 size_t errlen)
{
	struct gm_vnc *v = calloc(1, sizeof(*v));
	int ret;

	snprintf(err, errlen, "out of memory");
	if (!v)
		return -ENOMEM;
	v->m = m;
	v->view = cfg->view;
	v->feed = cfg->feed;
	pthread_mutex_init(&v->lock, NULL);
	pthread_cond_init(&v->gone, NULL);
	v->name = strdup(cfg->name ? cfg->name : "vmm");
	ret = v->name ? 0 : -ENOMEM;
	if (!ret && cfg->password_file)
		ret = password_read(v, cfg->password_file, err, errlen);
	if (!ret)
		ret = vnc_library_open(v, err, errlen);
	if (!ret)
		ret = listen_start(v, cfg->address, err, errlen);
	if (ret) {
		vnc_free(v);
		return ret;
	}
	*out = v;
	return 0;
}

void gm_vnc_stop(struct gm_vnc *v)
{
	struct gm_machine *m;
	struct vnc_client *c;

	if (!v)
		return;
	m = v->m;
	pthread_mutex_lock(&v->lock);
	v->stopping = true;
	for (c = v->clients; c; c = c->next)
		shutdown(c->own_fd, SHUT_RDWR);
	while (v->nclients)
		pthread_cond_wait(&v->gone, &v->lock);
	pthread_mutex_unlock(&v->lock);
	gm_lock(m);
	vnc_free(v);
	gm_unlock(m);
}

bool gm_vnc_available(char *why, size_t len)
{
	struct gm_vnc v = {.lock = PTHREAD_MUTEX_INITIALIZER};
	bool ok = !vnc_library_open(&v, why, len);

	vnc_library_close(&v);
	return ok;
}
#endif
