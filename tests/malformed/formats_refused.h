#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <span>
#include <string>

#include "formats_builders.h"
#include "sidenet/checkpoint.h"
#include "sidenet/error.h"
#include "sidenet/npy.h"
#include "tried_files.h"

namespace sidenet::testing {

// A copy of exactly its size on the heap, so that a sanitizer sees every step beyond it.
struct Bytes {
  explicit Bytes(const std::string& text) : size(text.size()), data(new std::byte[text.size()]) {
    std::memcpy(data.get(), text.data(), size);
  }
  std::span<const std::byte> span() const { return {data.get(), size}; }
  std::size_t size;
  std::unique_ptr<std::byte[]> data;
};

enum class Reader { checkpoint, array };

// The message, or "" where the file was read.
inline std::string error_of(const std::string& file, Reader reader = Reader::checkpoint) {
  ++tried_files;
  const Bytes bytes(file);
  try {
    if (reader == Reader::checkpoint) read_checkpoint(bytes.span(), nullptr, "file");
    if (reader == Reader::array) read_npy(bytes.span(), nullptr, "file");
  } catch (const Error& error) {
    const std::string message = error.what();
    CHECK_MESSAGE(message.starts_with("file: "), message);
    CHECK_MESSAGE(message.find('\n') == std::string::npos, message);
    CHECK_MESSAGE(message.size() < 600, message);
    return message;
  }
  return "";
}

inline void check_refused(const std::string& file, const std::string& words,
                          Reader reader = Reader::checkpoint) {
  const std::string message = error_of(file, reader);
  CHECK_MESSAGE(message.find(words) != std::string::npos,
                "expected \"" << words << "\", got \"" << message << "\"");
}

inline const std::string eight_floats(32, '\0');
inline const std::string good_tensor =
    opcodes::tensor(opcodes::storage("FloatStorage", "0", 8), 0, {2, 4}, {4, 1});
inline const std::string good_pickle = opcodes::dict({{"weight", good_tensor}});
inline const std::string good_zip = pytorch_zip(good_pickle, eight_floats);
inline const std::string good_legacy = pytorch_legacy(
    good_pickle, "]" + opcodes::text("0") + "a", little_endian<std::int64_t>(8) + eight_floats);
inline const std::string good_safetensors = safetensors(
    R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}})",
    std::string(11, '\1'));
inline const std::string good_npy =
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4), }\n", eight_floats);

}  // namespace sidenet::testing
