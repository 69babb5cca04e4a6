/* A USB camera with raw pictures (YUYV) for FFmpeg, to be preloaded: /dev/video77.

   It gives as many pictures as PICTURES says, 50 a second, and is pulled out then. Its buffers are
   mapped like a driver's: who closes the device has them no more. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { WIDE = 320, HIGH = 240, BYTES = WIDE * HIGH * 2, APART = 38 * 4096, BUFFERS = 8 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int device_fd = -1, left = -1, queue[BUFFERS], queued;

static int refused(int reason) {
    errno = reason;
    return -1;
}

static int opened(void) {
    if (left == 0) return refused(ENODEV);
    const char *pictures = getenv("PICTURES");
    left = pictures ? atoi(pictures) : 10;
    device_fd = memfd_create("camera", 0);
    if (device_fd < 0 || ftruncate(device_fd, APART * BUFFERS)) return -1;
    void *all = mmap(NULL, APART * BUFFERS, PROT_WRITE, MAP_SHARED, device_fd, 0);
    if (all == MAP_FAILED) return -1;
    /* Brightness and both colours in the middle of their range. */
    memset(all, 128, APART * BUFFERS);
    munmap(all, APART * BUFFERS);
    return device_fd;
}

static int taken(struct v4l2_buffer *buffer) {
    struct timespec now;
    usleep(20000);
    pthread_mutex_lock(&lock);
    int gone = left == 0 || queued == 0;
    if (!gone) {
        left--;
        buffer->index = queue[0];
        memmove(queue, queue + 1, --queued * sizeof queue[0]);
    }
    pthread_mutex_unlock(&lock);
    if (gone) return refused(ENODEV);
    clock_gettime(CLOCK_MONOTONIC, &now);
    buffer->bytesused = BYTES;
    buffer->flags = 0;
    buffer->timestamp.tv_sec = now.tv_sec;
    buffer->timestamp.tv_usec = now.tv_nsec / 1000;
    return 0;
}

static int put(const struct v4l2_buffer *buffer) {
    pthread_mutex_lock(&lock);
    queue[queued++] = buffer->index;
    pthread_mutex_unlock(&lock);
    return 0;
}

static int form(struct v4l2_format *wanted) {
    wanted->fmt.pix.width = WIDE;
    wanted->fmt.pix.height = HIGH;
    wanted->fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
    wanted->fmt.pix.field = V4L2_FIELD_NONE;
    return 0;
}

static int answered(unsigned request, void *argument) {
    switch (request) {
    case (unsigned)VIDIOC_QUERYCAP:
        memset(argument, 0, sizeof(struct v4l2_capability));
        ((struct v4l2_capability *)argument)->capabilities =
            V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        return 0;
    case (unsigned)VIDIOC_G_INPUT:
        *(int *)argument = 0;
        return 0;
    case (unsigned)VIDIOC_ENUMINPUT:
    case (unsigned)VIDIOC_STREAMON:
    case (unsigned)VIDIOC_STREAMOFF:
        return 0;
    case (unsigned)VIDIOC_G_FMT:
    case (unsigned)VIDIOC_S_FMT:
        return form(argument);
    case (unsigned)VIDIOC_G_PARM: {
        struct v4l2_streamparm *parameters = argument;
        parameters->parm.capture.timeperframe.numerator = 1;
        parameters->parm.capture.timeperframe.denominator = 50;
        return 0;
    }
    case (unsigned)VIDIOC_REQBUFS:
        ((struct v4l2_requestbuffers *)argument)->count = BUFFERS;
        return 0;
    case (unsigned)VIDIOC_QUERYBUF: {
        struct v4l2_buffer *buffer = argument;
        buffer->length = BYTES;
        buffer->m.offset = buffer->index * APART;
        return 0;
    }
    case (unsigned)VIDIOC_QBUF:
        return put(argument);
    case (unsigned)VIDIOC_DQBUF:
        return taken(argument);
    default:
        return refused(ENOTTY);
    }
}

int ioctl(int fd, unsigned long request, ...) {
    static int (*next)(int, unsigned long, ...);
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (fd >= 0 && fd == device_fd) return answered((unsigned)request, argument);
    if (!next) next = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
    return next(fd, request, argument);
}

static int open_with(const char *name, const char *path, int flags, mode_t mode) {
    if (!strcmp(path, "/dev/video77")) return opened();
    int (*next)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);
    return next(path, flags, mode);
}

#define OPEN(name)                                        \
    int name(const char *path, int flags, ...) {          \
        va_list rest;                                     \
        va_start(rest, flags);                            \
        mode_t mode = va_arg(rest, mode_t);               \
        va_end(rest);                                     \
        return open_with(#name, path, flags, mode);       \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    static int (*next)(int);
    if (fd >= 0 && fd == device_fd) device_fd = -1;
    if (!next) next = (int (*)(int))dlsym(RTLD_NEXT, "close");
    return next(fd);
}
