// libgomp's threads wait by spinning, by default for some 300,000 rounds. Where other programs want
// the cores too, a thread then spins through the time that the one it waits for needs: a row of 0.7
// ms took up to 45. How long it spins is read from the environment before any constructor of ours
// runs, so the command starts itself once more with a bound, which is about 0.05 ms. Whoever sets
// GOMP_SPINCOUNT or OMP_WAIT_POLICY decides for himself (and runs the command under valgrind so).
#if defined(__linux__) && defined(__GLIBC__)
#include <unistd.h>

#include <cstring>

namespace {

bool is_set(char** environment, const char* name) {
  const std::size_t length = std::strlen(name);
  for (; *environment; ++environment) {
    if (std::strncmp(*environment, name, length) == 0 && (*environment)[length] == '=') return true;
  }
  return false;
}

void bound_spinning(int, char** arguments, char** environment) {
  constexpr int kMost = 4096;
  static char spin_count[] = "GOMP_SPINCOUNT=3000";
  static char* extended[kMost + 2];
  if (is_set(environment, "GOMP_SPINCOUNT") || is_set(environment, "OMP_WAIT_POLICY")) return;
  int count = 0;
  for (; environment[count]; ++count) {
    if (count == kMost) return;
    extended[count] = environment[count];
  }
  extended[count] = spin_count;
  ::execve("/proc/self/exe", arguments, extended);  // where it fails, the default stands
}

// Before the constructors of shared libraries.
using Function = void (*)(int, char**, char**);
__attribute__((used, section(".preinit_array"))) Function run_first = bound_spinning;

}  // namespace
#endif
