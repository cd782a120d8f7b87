#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "format_fixtures.h"
#include "sidenet/error.h"
#include "sidenet/npy.h"

using namespace sidenet;
using namespace sidenet::testing;

TEST_CASE("arrays that NumPy wrote: every element type, versions 1 to 3, Fortran order") {
  int checked = 0;
  for (const auto& [file, tensors] : expected_fixtures()) {
    if (!file.ends_with(".npy")) continue;
    CAPTURE(file);
    check_tensor(read_npy(fixture(file)), tensors.at(""));
    ++checked;
  }
  CHECK(checked == 14);
}

TEST_CASE("what NumPy wrote for C order is written to the byte") {
  const TemporaryFolder folder;
  for (const char* name :
       {"f4", "f8", "f2", "i1", "u1", "i2", "i4", "i8", "b1", "scalar", "empty"}) {
    CAPTURE(name);
    const std::string path = fixture(std::string("array_") + name + ".npy");
    write_npy(folder.file("a.npy"), read_npy(path));
    CHECK(read_file(folder.file("a.npy")) == read_file(path));
  }
}

TEST_CASE("other element types are refused by name") {
  CHECK_THROWS_WITH_AS(read_npy(fixture("array_big_endian.npy")), doctest::Contains("got \">f4\""),
                       Error);
  CHECK_THROWS_WITH_AS(read_npy(fixture("array_objects.npy")), doctest::Contains("got \"|O\""),
                       Error);
  const TemporaryFolder folder;
  CHECK_THROWS_WITH_AS(write_npy(folder.file("a.npy"), Tensor(DType::bf16, {1})),
                       doctest::Contains("bf16"), Error);
}
