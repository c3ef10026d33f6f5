// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The keeper by its requests, and a process that enters the sandbox: what it may do afterwards and
 * how it ends when it does something else. Each test is a process of its own (Check's fork mode).
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/run.h"
#include "vmm/sandbox/keeper_int.h"
#include "vmm/sandbox/sandbox.h"

#define TEXT "some bytes\n"

static char dir[64];

static const char *at(const char *name)
{
	static char buf[8][256];
	static unsigned int n;

	n = (n + 1) % 8;
	snprintf(buf[n], sizeof(buf[n]), "%s/%s", dir, name);
	return buf[n];
}

static void put(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, TEXT, strlen(TEXT)), (int)strlen(TEXT));
	close(fd);
}

static void setup(void)
{
	strcpy(dir, "/tmp/test_sandbox.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
	char cmd[300];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

/* ---- the keeper ---- */

/* What is done for whom: before it is sealed and after. */
static const struct {
	const char *name;
	enum gm_keeper_right right;
	const char *allowed; /* a name in the folder */
	const char *asked;
	int (*call)(struct gm_keeper *k, const char *path);
	bool makes_fd;
	int wanted;          /* when sealed; 0 also stands for a descriptor */
} requests[] = {
	{"unlink", GM_KEEPER_UNLINK, "a", "a", gm_keeper_unlink, false, 0},
	{"unlink another", GM_KEEPER_UNLINK, "a", "b", gm_keeper_unlink, false, -EPERM},
	{"unlink by another name", GM_KEEPER_UNLINK, "a", "./a", gm_keeper_unlink, false, -EPERM},
	{"unlink what may be saved", GM_KEEPER_SAVE, "a", "a", gm_keeper_unlink, false, -EPERM},
	{"unlink what is missing", GM_KEEPER_UNLINK, "no", "no", gm_keeper_unlink, false, -ENOENT},
	{"save", GM_KEEPER_SAVE, "c", "c", gm_keeper_save, true, 0},
	{"save another", GM_KEEPER_SAVE, "c", "d", gm_keeper_save, true, -EPERM},
	{"save with a stamp", GM_KEEPER_STAMP, "m-", "m-20260131-120000.png", gm_keeper_save, true, 0},
	{"save with a stamp, other end", GM_KEEPER_STAMP, "m-", "m-2026.txt", gm_keeper_save, true,
	 -EPERM},
	{"save with a stamp, elsewhere", GM_KEEPER_STAMP, "m-", "m-1/../a.png", gm_keeper_save, true,
	 -EPERM},
	{"unlink a stamp", GM_KEEPER_STAMP, "m-", "m-1.png", gm_keeper_unlink, false, -EPERM},
	{"listen", GM_KEEPER_JOIN, "s", "s", gm_keeper_listen, true, 0},
	{"listen elsewhere", GM_KEEPER_JOIN, "s", "t", gm_keeper_listen, true, -EPERM},
	{"connect to nobody", GM_KEEPER_JOIN, "s", "s", gm_keeper_connect, true, -ENOENT},
	{"unlink a socket", GM_KEEPER_JOIN, "a", "a", gm_keeper_unlink, false, 0},
	{"read nothing", GM_KEEPER_READ, "a", "a", gm_keeper_save, true, -EPERM},
	{"medium", GM_KEEPER_MEDIUM, "a", "a", gm_keeper_medium, true, 0},
	{"another medium", GM_KEEPER_MEDIUM, "a", "b", gm_keeper_medium, true, -EACCES},
	{"medium that is missing", GM_KEEPER_MEDIUM, "no", "no", gm_keeper_medium, true, -ENOENT},
	{"medium that is a folder", GM_KEEPER_MEDIUM, "", "", gm_keeper_medium, true, -EACCES},
	{"medium of a folder", GM_KEEPER_MEDIA_DIR, "", "a", gm_keeper_medium, true, 0},
	{"medium of a folder, missing", GM_KEEPER_MEDIA_DIR, "", "no", gm_keeper_medium, true, -ENOENT},
	{"medium out of a folder", GM_KEEPER_MEDIA_DIR, "", "../a", gm_keeper_medium, true, -EACCES},
	{"medium for a library's file", GM_KEEPER_READ, "a", "a", gm_keeper_medium, true, -EACCES},
};

START_TEST(test_keeper)
{
	struct gm_keeper *k;
	int ret;

	put(at("a"));
	put(at("b"));
	ck_assert_int_eq(gm_keeper_start(&k), 0);
	ck_assert_int_eq(gm_keeper_allow(k, requests[_i].right, at(requests[_i].allowed)), 0);
	ck_assert(!gm_keeper_sealed(k));
	ck_assert_int_eq(gm_keeper_seal(k, -1), 0);
	ck_assert(gm_keeper_sealed(k));
	ret = requests[_i].call(k, at(requests[_i].asked));
	ck_assert_msg(requests[_i].wanted || !requests[_i].makes_fd ? ret == requests[_i].wanted : ret > 0,
		      "%s: %d", requests[_i].name, ret);
	ck_assert_int_eq(gm_keeper_allow(k, GM_KEEPER_UNLINK, at("b")), -EPERM);
	ck_assert_int_eq(gm_keeper_seal(k, -1), -EPERM);
	ck_assert_int_eq(gm_keeper_unlink(k, at("b")), -EPERM);
	gm_keeper_stop(k);
}
END_TEST

/* Without a keeper, and before it is sealed, the caller does it. */
START_TEST(test_direct)
{
	struct gm_keeper *k = NULL;
	struct stat st;
	int fd, peer;

	if (_i)
		ck_assert_int_eq(gm_keeper_start(&k), 0);
	put(at("a"));
	ck_assert_int_eq(gm_keeper_unlink(k, at("a")), 0);
	ck_assert_int_eq(gm_keeper_unlink(k, at("a")), -ENOENT);
	fd = gm_keeper_save(k, at("p"));
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, TEXT, 4), 4);
	close(fd);
	ck_assert_int_ne(stat(at("p"), &st), 0);
	ck_assert_int_eq(gm_keeper_save_done(k, at("p"), true), 0);
	ck_assert_int_eq(stat(at("p"), &st), 0);
	fd = gm_keeper_save(k, at("p"));
	close(fd);
	ck_assert_int_eq(gm_keeper_save_done(k, at("p"), false), 0);
	ck_assert_int_eq(stat(at("p"), &st), 0);
	ck_assert_int_eq(st.st_size, 4);
	fd = gm_keeper_listen(k, at("s"));
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(stat(at("s"), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	peer = gm_keeper_connect(k, at("s"));
	ck_assert_int_ge(peer, 0);
	close(peer);
	close(fd);
	ck_assert_int_eq(gm_keeper_connect(k, at("s")), -ECONNREFUSED);
	fd = gm_keeper_listen(k, at("s")); /* the one left behind makes way */
	ck_assert_int_ge(fd, 0);
	close(fd);
	gm_keeper_stop(k);
}
END_TEST

/* Packets that the machine's side would never send. */
START_TEST(test_keeper_hostile)
{
	static struct keeper_msg m;
	struct keeper_reply r;
	struct gm_keeper *k;
	int fd, sock;
	u32 op;

	put(at("a"));
	ck_assert_int_eq(gm_keeper_start(&k), 0);
	ck_assert_int_eq(gm_keeper_allow(k, GM_KEEPER_UNLINK, at("a")), 0);
	ck_assert_int_eq(gm_keeper_seal(k, -1), 0);
	sock = gm_keeper_fd(k);
	for (op = KEEPER_VIOLATION + 1; op < KEEPER_VIOLATION + 40; op++) {
		m.op = op % 2 ? op : ~op;
		m.right = op * 77777;
		memset(m.path, 'a', sizeof(m.path));
		ck_assert_int_eq(gm_fd_send(sock, &m, sizeof(m), op % 3 ? -1 : STDERR_FILENO),
				 (int)sizeof(m));
		ck_assert_int_eq(gm_fd_recv(sock, &r, sizeof(r), 0, &fd), (int)sizeof(r));
		ck_assert_int_eq(r.ret, -EPERM);
		ck_assert_int_eq(fd, -1);
	}
	ck_assert_int_eq(gm_keeper_unlink(k, at("a")), 0);
	/* A packet of another length ends it: the machine is not what it was. */
	ck_assert_int_eq(gm_fd_send(sock, &m, 7, -1), 7);
	ck_assert_int_eq(gm_fd_recv(sock, &r, sizeof(r), 0, &fd), 0);
	ck_assert_int_lt(gm_keeper_unlink(k, at("a")), 0);
	gm_keeper_stop(k);
}
END_TEST

/* ---- inside ---- */

static void *thread(void *arg)
{
	*(int *)arg = open("/etc/passwd", O_RDONLY) < 0 ? errno : 0;
	return NULL;
}

static int enter(bool sockets, struct gm_keeper *k)
{
	struct gm_sandbox_cfg cfg = {.keeper = k, .sockets = sockets};
	char err[300];
	int ret = gm_sandbox_enter(&cfg, err, sizeof(err));

	if (ret)
		fprintf(stderr, "%s\n", err);
	return ret;
}

/* In a child: Check's own process is to stay what it is. Its exit status is that of `fn`. */
static int inside(bool sockets, int (*fn)(struct gm_keeper *k))
{
	struct gm_keeper *k = NULL;
	int status;
	pid_t pid = fork();

	if (!pid) {
		close(STDERR_FILENO); /* the message is looked at by test/cli/sandbox.py */
		open("/dev/null", O_WRONLY);
		if (gm_keeper_start(&k) || gm_keeper_allow(k, GM_KEEPER_READ, at("read")) ||
		    gm_keeper_allow(k, GM_KEEPER_READ_DIR, at("tree")) || enter(sockets, k))
			_exit(100);
		_exit(fn(k));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define CHECK(x) do { if (!(x)) return __LINE__ % 90 + 6; } while (0)

static int ordinary(struct gm_keeper *k)
{
	pthread_t t;
	int seen = -1, p[2];
	struct stat st;
	char c = 'x';

	CHECK(!pthread_create(&t, NULL, thread, &seen) && !pthread_join(t, NULL));
	CHECK(gm_sandbox_is_wide() || seen == EACCES);
	CHECK(!pipe2(p, O_CLOEXEC) && write(p[1], &c, 1) == 1 && read(p[0], &c, 1) == 1);
	CHECK(!fstat(p[0], &st) && S_ISFIFO(st.st_mode));
	CHECK(malloc(4 << 20) && getpid() > 0);
	CHECK(socket(AF_UNIX, SOCK_STREAM, 0) < 0 && socket(AF_INET, SOCK_STREAM, 0) < 0);
	if (gm_sandbox_is_wide())
		return 0;
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	CHECK(stat("/etc/passwd", &st) < 0 && errno == EACCES);
	CHECK(open(at("read"), O_RDONLY) < 0 && errno == EACCES);
	return 0;
}

/* The keeper answers: for the file and the folder on its list, and for nothing else. */
static int asking(struct gm_keeper *k)
{
	char buf[16] = "";
	struct stat st;
	FILE *f = fopen(at("read"), "r");
	int fd;

	/* Linux before 5.9 cannot ask. */
	if (gm_sandbox_is_wide() || (!f && errno == EACCES))
		return 0;
	CHECK(f && fgets(buf, sizeof(buf), f) && !strcmp(buf, TEXT) && !fclose(f));
	CHECK(!stat(at("read"), &st) && st.st_size == (off_t)strlen(TEXT));
	CHECK(open(at("read"), O_RDWR) < 0 && errno == EACCES);
	CHECK(open(at("read"), O_RDONLY | O_CREAT, 0600) < 0 && errno == EACCES);
	CHECK(open(at("other"), O_RDONLY) < 0 && errno == EACCES);
	CHECK((fd = open(at("tree/sub/file"), O_RDONLY)) >= 0 && read(fd, buf, 4) == 4);
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK(open(at("tree//sub/../../other"), O_RDONLY) < 0 && errno == EACCES);
	CHECK(open(at("tree/link"), O_RDONLY) < 0 && errno == EACCES);
	CHECK(open(at("tree/sub"), O_RDONLY) < 0 && errno == EACCES);
	CHECK(open(at("tree/no"), O_RDONLY) < 0 && errno == ENOENT);
	CHECK(open(at("treeless"), O_RDONLY) < 0 && errno == EACCES);
	CHECK(open((char *)16, O_RDONLY) < 0 && errno == EACCES);
	CHECK(stat(at("other"), &st) < 0 && errno == EACCES);
	CHECK((fd = socket(AF_INET, SOCK_STREAM, 0)) >= 0 && !close(fd));
	CHECK(socket(AF_UNIX, SOCK_STREAM, 0) < 0);
	return 0;
}

static int violate(struct gm_keeper *k)
{
	execl("/bin/true", "true", (char *)NULL);
	return 0;
}

static int violate_blocked(struct gm_keeper *k)
{
	syscall(SYS_unshare, 0);
	return 0;
}

static int fork_one(struct gm_keeper *k)
{
	return fork() < 0 ? 0 : 1;
}

START_TEST(test_inside)
{
	static const struct {
		const char *name;
		bool sockets;
		int (*fn)(struct gm_keeper *k);
		int wanted, wanted_wide;
	} t[] = {
		{"ordinary life", false, ordinary, 0, 0},
		{"asking the keeper", true, asking, 0, 0},
		{"execve", false, violate, VMM_EXIT_SANDBOX, VMM_EXIT_SANDBOX},
		{"execve with sockets", true, violate, VMM_EXIT_SANDBOX, VMM_EXIT_SANDBOX},
		{"unshare", false, violate_blocked, VMM_EXIT_SANDBOX, VMM_EXIT_SANDBOX},
		{"fork", false, fork_one, VMM_EXIT_SANDBOX, 1},
	};
	int got;

	if (_i >= (int)ARRAY_SIZE(t))
		return;
	put(at("read"));
	put(at("other"));
	put(at("treeless"));
	ck_assert_int_eq(mkdir(at("tree"), 0700), 0);
	ck_assert_int_eq(mkdir(at("tree/sub"), 0700), 0);
	put(at("tree/sub/file"));
	ck_assert_int_eq(symlink("../other", at("tree/link")), 0);
	got = inside(t[_i].sockets, t[_i].fn);
	ck_assert_msg(got == (gm_sandbox_is_wide() ? t[_i].wanted_wide : t[_i].wanted), "%s: %d",
		      t[_i].name, got);
}
END_TEST

START_TEST(test_names)
{
	ck_assert_str_eq(gm_sandbox_syscall_name(SYS_execve), "execve");
	ck_assert_ptr_null(gm_sandbox_syscall_name(-1));
	ck_assert_ptr_null(gm_sandbox_syscall_name(100000));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sandbox");
	TCase *t = tcase_create("sandbox");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, test_keeper, 0, (int)ARRAY_SIZE(requests));
	tcase_add_loop_test(t, test_direct, 0, 2);
	tcase_add_test(t, test_keeper_hostile);
	tcase_add_loop_test(t, test_inside, 0, 6);
	tcase_add_test(t, test_names);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
