#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "cifar.h"
#include "gzip.h"
#include "idx.h"
#include "sidenet/error.h"
#include "tar.h"
#include "text_dataset.h"
#include "text_format.h"

namespace {

void read_all(const sidenet::Dataset& data) {
  for (std::int64_t row = 0; row < data.rows() && row < 3; ++row) {
    data.label(row);
    data.name(row);
    data.image(row);
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

void read_texts(sidenet::TextFile file, const sidenet::TextColumns& columns) {
  try {
    const auto data = sidenet::text_dataset({std::move(file)}, columns);
    for (std::int64_t row = 0; row < data->rows(); ++row) {
      data->label(row);
      data->name(row);
      data->text(row);
    }
  } catch (const sidenet::Error&) {
  }
}

// As every format of texts, in both encodings, with columns guessed and given.
void read_as_texts(const sidenet::FileBytes& file) {
  using sidenet::TextFormat;
  for (const TextFormat format : {TextFormat::tsv, TextFormat::csv, TextFormat::jsonl, TextFormat::trec}) {
    for (const char* encoding : {"utf-8", "latin-1"}) {
      for (const bool given : {false, true}) {
        sidenet::TextFile text;
        text.file = file;
        text.format = format;
        sidenet::TextColumns columns;
        columns.encoding = encoding;
        if (given) columns.text = "1,3";
        if (given) columns.label = "2";
        read_texts(std::move(text), columns);
      }
    }
  }
}

void read(const sidenet::FileBytes& file) {
  if (sidenet::is_tar(file.bytes)) {
    for (const sidenet::FileBytes& member : sidenet::read_tar(file)) {
      if (!member.bytes.empty() && member.bytes.back() == std::byte{0x55}) return;  // touches the last byte
    }
  } else if (sidenet::is_idx(file.bytes)) {
    const std::vector<std::byte> labels = matching_labels(sidenet::parse_idx(file).shape.at(0));
    read_all(*sidenet::idx_dataset(file, {"labels", labels, nullptr}));
  } else {
    read_all(*sidenet::cifar_dataset({file}));
  }
}

}  // namespace

// One file as texts of every format, and through the reader that its first bytes choose, unpacked first where it is gzip;
// only sidenet::Error may come out.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t kLimit = 1 << 22;
  sidenet::FileBytes file{"fuzz", std::as_bytes(std::span(data, size)), nullptr};
  try {
    if (sidenet::is_gzip(file.bytes)) file = sidenet::gunzip(file.bytes, file.name, kLimit);
    read_as_texts(file);
    if (std::optional<sidenet::TextFile> text = sidenet::text_file(file)) {
      read_texts(std::move(*text), {});
    } else {
      read(file);
    }
  } catch (const sidenet::Error&) {
  }
  return 0;
}
