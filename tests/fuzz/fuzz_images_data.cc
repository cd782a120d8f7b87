// Labelled images: IDX, CIFAR's binary files, and what they come packed in, gzip and tar.
#include <vector>

#include "cifar.h"
#include "fuzz_support.h"
#include "gzip.h"
#include "idx.h"
#include "tar.h"

using namespace sidenet;

namespace {

void read_rows(const Dataset& data) {
  for (std::int64_t row = 0; row < data.rows() && row < 3; ++row) {
    fuzz::expect(data.label(row) >= 0, "a label");
    data.name(row);
    fuzz::touch(data.image(row));
  }
}

// An IDX file of as many zero labels, 65,535 at most.
std::vector<std::byte> matching_labels(std::int64_t count) {
  std::vector<std::byte> bytes(8 + static_cast<std::size_t>(count & 0xffff));
  bytes[2] = std::byte{8};
  bytes[3] = std::byte{1};
  bytes[6] = static_cast<std::byte>(count >> 8 & 0xff);
  bytes[7] = static_cast<std::byte>(count & 0xff);
  return bytes;
}

void read(const FileBytes& file) {
  if (is_tar(file.bytes)) {
    for (const FileBytes& member : read_tar(file)) fuzz::touch(member.bytes);
  } else if (is_idx(file.bytes)) {
    const std::vector<std::byte> labels = matching_labels(parse_idx(file).shape.at(0));
    read_rows(*idx_dataset(file, {"input labels", labels, nullptr}));
    read_rows(*idx_dataset({"input images", labels, nullptr}, file));
  } else {
    read_rows(*cifar_dataset({file}));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t kLimit = 1 << 22;
  FileBytes file{"input", std::as_bytes(std::span(data, size)), nullptr};
  fuzz::refusable("input", [&] {
    if (is_gzip(file.bytes)) file = gunzip(file.bytes, file.name, kLimit);
    read(file);
  });
  return 0;
}
