/* A wall clock that a test sets: what the file TWIMLGATE_TEST_CLOCK says, in seconds, is added to
   it. Loaded into the program by the linker; the clock that nobody sets is left alone. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    long result = syscall(SYS_clock_gettime, clock, time);
    const char *path = getenv("TWIMLGATE_TEST_CLOCK");
    if (result != 0 || clock != CLOCK_REALTIME || path == NULL)
        return result;
    char text[32] = "";
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        if (read(file, text, sizeof text - 1) > 0)
            time->tv_sec += atoll(text);
        close(file);
    }
    return 0;
}
