// Which vector instructions this machine has, and the pragmas under which a kernel's body is compiled for each of them.
//
// A kernel includes its body once per level, each time in a namespace of its own:
//
//     #define SMA_LEVEL 2
//     SMA_BEGIN_AVX512
//     namespace sma { namespace avx512 {
//     #include "..._body.hpp"
//     } }
//     SMA_END
//     #undef SMA_LEVEL
//
// No header of a library is included between BEGIN and END: its inline functions would be compiled with these
// instructions, and the linker might pick them for a machine that lacks them. The body therefore calls no library
// either, but for the compiler's intrinsics, which are always inlined.
#pragma once

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the kernels assume little-endian words"
#endif

#if defined(__x86_64__) && defined(__GNUC__)
#define SMA_X86 1
#include <immintrin.h>
#else
#define SMA_X86 0
#endif

#define SMA_TARGET_AVX2 "avx2,bmi,bmi2,popcnt"
#define SMA_TARGET_AVX512 "avx2,bmi,bmi2,popcnt,avx512f,avx512bw,avx512dq,avx512vl"
#define SMA_DO(text) _Pragma(#text)
#if !SMA_X86
#define SMA_BEGIN_AVX2
#define SMA_BEGIN_AVX512
#define SMA_END
#elif defined(__clang__)
#define SMA_ATTRIBUTE(names) SMA_DO(clang attribute push(__attribute__((target(names))), apply_to = function))
#define SMA_BEGIN_AVX2 SMA_ATTRIBUTE(SMA_TARGET_AVX2)
#define SMA_BEGIN_AVX512 SMA_ATTRIBUTE(SMA_TARGET_AVX512)
#define SMA_END _Pragma("clang attribute pop")
#else
// GCC 12's own intrinsics start from undefined vectors on purpose and make it warn.
#define SMA_QUIET \
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wuninitialized\"") \
        _Pragma("GCC diagnostic ignored \"-Wmaybe-uninitialized\"")
#define SMA_TARGET(names) _Pragma("GCC push_options") SMA_DO(GCC target(names)) SMA_QUIET
#define SMA_BEGIN_AVX2 SMA_TARGET(SMA_TARGET_AVX2)
#define SMA_BEGIN_AVX512 SMA_TARGET(SMA_TARGET_AVX512)
#define SMA_END _Pragma("GCC diagnostic pop") _Pragma("GCC pop_options")
#endif

namespace sma {

enum { LEVEL_BASE = 0, LEVEL_AVX2 = 1, LEVEL_AVX512 = 2 };

// The best level this machine can run; the test asks the operating system's side (saved registers) too.
inline int machine_level() {
#if SMA_X86
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2") ||
        !__builtin_cpu_supports("popcnt"))
        return LEVEL_BASE;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return LEVEL_AVX512;
    return LEVEL_AVX2;
#else
    return LEVEL_BASE;
#endif
}

}  // namespace sma
