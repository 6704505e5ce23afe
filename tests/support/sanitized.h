// FED_SANITIZED is defined where a sanitizer is built in: they replace mlock by a function that
// does nothing, and keep freed memory and shadows of their own.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FED_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FED_SANITIZED
#endif
#endif
