/* Asks memmove, memcmp and the others of ours, whose names begin with `our_` here, what they do with every size
   up to SIZES and with some longer ones, at every alignment and at both ends of memory: beside each of the two
   places lies a page that nobody may touch. What they should do is said byte by byte, or by this machine's libc.

   The first argument is how far apart the sources' alignments lie; it ends with 1 at the first mistake. */

#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SIZES = 600, ALIGNMENTS = 32, ROOM = 1 << 17, GUARD = 1 << 16 };

void *our_memmove(void *, const void *, size_t);
int our_memcmp(const void *, const void *, size_t);
int our_bcmp(const void *, const void *, size_t);
#ifdef __x86_64__
void *our_memcpy(void *, const void *, size_t);
#else
#define our_memcpy our_memmove
#endif

typedef unsigned char byte;
static const size_t LONG[] = {1023, 1024, 1025, 2047, 2048, 2049, 4095, 4096, 4097, 20000, 65535, 65536, 65537};
static byte expected[ROOM];
static long checks;

/* ROOM bytes between two pages that cannot be read or written. */
static byte *guarded(void)
{
    byte *all = mmap(NULL, ROOM + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED || mprotect(all + GUARD, ROOM, PROT_READ | PROT_WRITE))
        exit(2);
    return all + GUARD;
}

static void must(int holds, const char *what, size_t n, long to, long from)
{
    checks++;
    if (holds)
        return;
    printf("%s of %zu bytes, %ld and %ld\n", what, n, to, from);
    exit(1);
}

static void fill(byte *place, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++)
        place[i] = (byte)((seed += 0x9e3779b9u) >> 24);
}

/* One copy, with what lies up to 64 bytes beside the target. */
static void copy(byte *room, byte *to, const byte *from, size_t n)
{
    byte *low = to - room < 64 ? room : to - 64;
    byte *high = room + ROOM - (to + n) < 64 ? room + ROOM : to + n + 64;
    for (int i = 0; i < 2; i++) {
        fill(low, (size_t)(high - low), (unsigned)n);
        memcpy(expected, low, (size_t)(high - low));
        memcpy(expected + (to - low), from, n);
        void *said = i ? our_memcpy(to, from, n) : our_memmove(to, from, n);
        must(said == to && !memcmp(expected, low, (size_t)(high - low)), i ? "memcpy" : "memmove", n, to - room, 0);
    }
}

static void copies(byte *room, byte *source, size_t n, int step)
{
    for (long a = 0; a < ALIGNMENTS; a++)
        for (long b = 0; b < ALIGNMENTS; b += step) {
            copy(room, room + a, source + b, n);
            copy(room, room + ROOM - n - a, source + ROOM - n - b, n);
        }
}

static void overlaps(byte *room, size_t n, long shift)
{
    for (int end = 0; end < 2; end++) {
        byte *low = end ? room + ROOM - n - (size_t)labs(shift) : room;
        byte *to = shift > 0 ? low + shift : low, *from = shift > 0 ? low : low - shift;
        size_t all = n + (size_t)labs(shift);
        fill(low, all, (unsigned)n + 1);
        memcpy(expected, low, all);
        for (size_t i = 0; i < n; i++)
            expected[to - low + (long)i] = from[i];
        must(our_memmove(to, from, n) == to && !memcmp(expected, low, all), "overlap", n, shift, end);
    }
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

/* `left` and `right` hold the same n bytes: that, and every first difference, whatever follows it. */
static void compare(byte *left, byte *right, size_t n, size_t step)
{
    must(our_memcmp(left, right, n) == 0 && our_bcmp(left, right, n) == 0, "equal", n, 0, 0);
    for (size_t at = n % step; at < n; at += step) {
        static const byte PAIRS[][2] = {{0x00, 0xff}, {0x80, 0x7f}, {0x01, 0x00}};
        byte kept[2] = {left[at], at + 1 < n ? left[n - 1] : left[at]};
        for (int i = 0; i < 3; i++) {
            left[at] = PAIRS[i][0], right[at] = PAIRS[i][1];
            if (at + 1 < n)
                left[n - 1] = PAIRS[i][1], right[n - 1] = PAIRS[i][0];
            int expect = PAIRS[i][0] > PAIRS[i][1] ? 1 : -1;
            must(sign(our_memcmp(left, right, n)) == expect, "memcmp", n, (long)at, i);
            must(sign(our_memcmp(right, left, n)) == -expect, "memcmp, turned", n, (long)at, i);
            must(our_bcmp(left, right, n) != 0, "bcmp", n, (long)at, i);
        }
        left[n - 1] = right[n - 1] = kept[1];
        left[at] = right[at] = kept[0];
    }
}

static void compares(byte *one, byte *other, size_t n, size_t step)
{
    for (size_t a = 0; a < ALIGNMENTS; a++) {
        size_t b = (a * 7 + n) % ALIGNMENTS;
        byte *lefts[] = {one + a, one + ROOM - n - a}, *rights[] = {other + b, other + ROOM - n - b};
        for (int end = 0; end < 2; end++) {
            fill(lefts[end], n, (unsigned)n);
            fill(rights[end], n, (unsigned)n);
            compare(lefts[end], rights[end], n, n < 80 ? 1 : step);
        }
    }
}

int main(int count, char **arguments)
{
    int step = count > 1 ? atoi(arguments[1]) : 1;
    byte *one = guarded(), *other = guarded();
    fill(other, ROOM, 7);
    for (size_t n = 0; n <= SIZES; n++) {
        copies(one, other, n, step);
        for (long shift = 1; shift <= (long)n + 1; shift += shift < 140 ? 1 : 31) {
            overlaps(one, n, shift);
            overlaps(one, n, -shift);
        }
    }
    for (size_t i = 0; i < sizeof LONG / sizeof *LONG; i++) {
        copies(one, other, LONG[i], 11);
        for (long shift = 1; shift < 200; shift += 13) {
            overlaps(one, LONG[i], shift);
            overlaps(one, LONG[i], -shift);
        }
    }
    for (size_t n = 0; n <= SIZES; n++)
        compares(one, other, n, 37);
    printf("%ld checks\n", checks);
    return 0;
}
