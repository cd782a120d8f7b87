#pragma once

/// On all that the libraries export. Without it a symbol is the libraries' own.
#if defined(__GNUC__)
#define SIDENET_API __attribute__((visibility("default")))
#else
#define SIDENET_API
#endif
