/* Memory functions in place of musl's slow ones, linked with the allocator into programs for musl.

   On x86_64 musl's memcpy is `rep movsq`, which takes 10 to 40 ns to start, whatever the size. Most of what a
   service moves is shorter than a hundred bytes, so that the start is all there is. On all processors its memcmp
   goes byte by byte, and so does its memmove, written in C, where places overlap and are aligned differently. Its
   memset is good, and on arm64 its memcpy: those stay.

   A short size is read as two pieces, one from each end, which may overlap in the middle. So one branch serves
   all sizes from one piece to two, and no byte beyond an end is touched. Everything is read before anything is
   written, so overlapping places need no care of their own: memcpy is memmove.

   Nothing here needs more than the oldest x86_64 has, or a relocation, a stack protector or thread-local storage:
   the C library calls these functions before it has set up any of that. They are weak: a program that defines
   one of them keeps its own. */

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) && !defined(__clang__)
/* gcc makes a call to memcpy of a loop that copies, and here that would be a call to itself. clang does not,
   since it is told -ffreestanding. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

#define WEAK __attribute__((weak))
#define INLINE static inline __attribute__((always_inline))

typedef unsigned char byte;
typedef uint64_t aligned16 __attribute__((vector_size(16), may_alias));
typedef uint64_t any16 __attribute__((vector_size(16), may_alias, aligned(1)));
typedef uint64_t any8 __attribute__((may_alias, aligned(1)));
typedef uint32_t any4 __attribute__((may_alias, aligned(1)));
typedef uint16_t any2 __attribute__((may_alias, aligned(1)));

#define AT(type, place) (*(type *)(place))
#define READ(type, place) (*(const type *)(place))

/* n bytes, from one piece to two of them: the first piece and the last. */
#define MOVE_ENDS(piece, to, from, n)                                                           \
    do {                                                                                        \
        piece first = READ(piece, from), last = READ(piece, (from) + (n) - sizeof(piece));      \
        AT(piece, to) = first, AT(piece, (to) + (n) - sizeof(piece)) = last;                    \
    } while (0)

/* 64 bytes on their way: the compiler keeps them in registers. */
struct line {
    aligned16 a, b, c, d;
};

INLINE struct line load(const byte *p)
{
    return (struct line){READ(any16, p), READ(any16, p + 16), READ(any16, p + 32), READ(any16, p + 48)};
}

INLINE void store(byte *p, struct line l)
{
    AT(any16, p) = l.a, AT(any16, p + 16) = l.b, AT(any16, p + 32) = l.c, AT(any16, p + 48) = l.d;
}

INLINE void store_aligned(byte *p, struct line l)
{
    AT(aligned16, p) = l.a, AT(aligned16, p + 16) = l.b, AT(aligned16, p + 32) = l.c, AT(aligned16, p + 48) = l.d;
}

/* More than 128 bytes. The ends go in any case, the middle by lines that are aligned where they are written. */
INLINE void move_forward(byte *to, const byte *from, size_t n)
{
    const byte *end = to + n;
    aligned16 first = READ(any16, from);
    struct line last = load(from + n - 64);
    size_t skip = 16 - (uintptr_t)to % 16;
    byte *p = to + skip;
    for (from += skip; p < end - 64; p += 64, from += 64)
        store_aligned(p, load(from));
    store(to + n - 64, last);
    AT(any16, to) = first;
}

INLINE void move_backward(byte *to, const byte *from, size_t n)
{
    struct line first = load(from);
    aligned16 last = READ(any16, from + n - 16);
    size_t skip = (uintptr_t)(to + n) % 16;
    byte *p = to + n - skip;
    for (from += n - skip; p > to + 64; p -= 64, from -= 64)
        store_aligned(p - 64, load(from - 64));
    store(to, first);
    AT(any16, to + n - 16) = last;
}

INLINE void move_middling(byte *to, const byte *from, size_t n) /* 17 to 128 */
{
    if (n <= 32)
        MOVE_ENDS(any16, to, from, n);
    else if (n <= 64) {
        aligned16 first = READ(any16, from), second = READ(any16, from + 16);
        MOVE_ENDS(any16, to + n - 32, from + n - 32, 32);
        AT(any16, to) = first, AT(any16, to + 16) = second;
    } else {
        struct line first = load(from), last = load(from + n - 64);
        store(to, first);
        store(to + n - 64, last);
    }
}

INLINE void move_short(byte *to, const byte *from, size_t n)
{
    if (n >= 8)
        MOVE_ENDS(any8, to, from, n);
    else if (n >= 4)
        MOVE_ENDS(any4, to, from, n);
    else if (n >= 2)
        MOVE_ENDS(any2, to, from, n);
    else if (n)
        *to = *from;
}

WEAK void *memmove(void *to, const void *from, size_t n)
{
    if (n <= 16)
        move_short(to, from, n);
    else if (n <= 128)
        move_middling(to, from, n);
    else if ((uintptr_t)to - (uintptr_t)from >= n)
        move_forward(to, from, n);
    else /* the target begins within the source */
        move_backward(to, from, n);
    return to;
}

#ifdef __x86_64__
WEAK void *memcpy(void *to, const void *from, size_t n) __attribute__((alias("memmove")));
#endif

/* Two words as they lie in memory, the first byte counting most. */
INLINE int compare(uint64_t left, uint64_t right)
{
    left = __builtin_bswap64(left), right = __builtin_bswap64(right);
    return (left > right) - (left < right);
}

WEAK int memcmp(const void *one, const void *other, size_t n)
{
    const byte *left = one, *right = other;
    if (n >= 8) {
        for (size_t at = 0; at < n - 8; at += 8)
            if (READ(any8, left + at) != READ(any8, right + at))
                return compare(READ(any8, left + at), READ(any8, right + at));
        return compare(READ(any8, left + n - 8), READ(any8, right + n - 8));
    }
    if (n >= 4) {
        int first = compare(READ(any4, left), READ(any4, right));
        return first ? first : compare(READ(any4, left + n - 4), READ(any4, right + n - 4));
    }
    for (; n; n--, left++, right++)
        if (*left != *right)
            return *left - *right;
    return 0;
}

WEAK int bcmp(const void *one, const void *other, size_t n) __attribute__((alias("memcmp")));
