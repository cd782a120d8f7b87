// One defect of each kind on purpose: a build with the sanitizer that finds it must fail here, or
// it finds nothing.
//   defects race | openmp-race | overflow | read-beyond | leak | ordered
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace {

int shared = 0;

void race() {
  std::thread other([] { ++shared; });
  ++shared;
  other.join();
}

// All iterations add to one place.
void openmp_race() {
#pragma omp parallel for num_threads(4)
  for (int i = 0; i < 1000; ++i) ++shared;
}

// What each iteration writes is its own, and is read behind the loop's barrier: no race.
int ordered() {
  std::vector<int> values(1000);
#pragma omp parallel for num_threads(4)
  for (int i = 0; i < 1000; ++i) values[static_cast<std::size_t>(i)] = i;
  int sum = 0;
  for (const int value : values) sum += value;
  return sum;
}

int overflow(int by) { return std::numeric_limits<int>::max() - 1 + by; }

}  // namespace

int main(int count, char** arguments) {
  const std::string kind = count == 2 ? arguments[1] : "";
  if (kind == "race") {
    race();
  } else if (kind == "openmp-race") {
    openmp_race();
  } else if (kind == "ordered") {
    return ordered() == 499500 ? 0 : 1;
  } else if (kind == "overflow") {
    shared = overflow(count);
  } else if (kind == "read-beyond") {
    std::vector<int> values(static_cast<std::size_t>(count));
    shared = values.data()[count];
  } else if (kind == "leak") {
    static_cast<int*>(std::malloc(40))[0] = count;
  } else {
    std::fprintf(stderr, "expected a kind of defect, got '%s'\n", kind.c_str());
    return 0;  // which fails where a defect is wanted
  }
  std::printf("%d\n", shared);
  return 0;
}
