#include "gzip.h"

#include <zlib.h>

#include <algorithm>
#include <climits>
#include <cstdlib>

#include "sidenet/error.h"

namespace sidenet {
namespace {

// Bytes that grow. realloc moves large blocks by their pages, and pages not yet written take no
// memory, so that neither growth nor a guess too high is paid for.
class HeapBytes : public Storage {
 public:
  HeapBytes() = default;
  ~HeapBytes() override { std::free(data); }
  HeapBytes(const HeapBytes&) = delete;
  HeapBytes& operator=(const HeapBytes&) = delete;
  void reserve(std::size_t capacity, const std::string& name) {
    void* larger = std::realloc(data, capacity);
    if (larger == nullptr)
      throw Error(name + ": gzip: out of memory for " + std::to_string(capacity) + " bytes");
    data = static_cast<std::byte*>(larger);
    this->capacity = capacity;
  }
  std::byte* data = nullptr;
  std::size_t used = 0, capacity = 0;
};

class Inflater {
 public:
  explicit Inflater(const std::string& name) {
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    if (::inflateInit2(&stream, kGzipOnly) != Z_OK) throw Error(name + ": gzip: out of memory");
  }
  ~Inflater() { ::inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  z_stream stream{};
};

// The trailer's length field (mod 2^32, of the last member), as a first guess only: deflate expands
// at most 1032 times.
std::size_t guess_size(std::span<const std::byte> bytes, std::uint64_t limit) {
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < 4 && bytes.size() >= 4; ++i) {
    size |= std::to_integer<std::uint64_t>(bytes[bytes.size() - 4 + i]) << (8 * i);
  }
  const std::uint64_t most = std::min<std::uint64_t>(bytes.size() * 1032 + 1024, limit + 1);
  return std::min(std::max<std::uint64_t>(size + 1, 1024), most);
}

void check_limit(const HeapBytes& output, std::size_t consumed, std::uint64_t limit,
                 const std::string& name) {
  if (output.used > limit) {
    throw Error(name + ": gzip: byte " + std::to_string(consumed) + ": expected at most " +
                std::to_string(limit) +
                " decompressed bytes from a file of this size, got more: unpack it with gunzip if "
                "it is honest");
  }
}

}  // namespace

bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

FileBytes gunzip(std::span<const std::byte> bytes, const std::string& name, std::uint64_t limit,
                 const Storage* input) {
  constexpr std::size_t kStep = std::size_t{4} << 20;
  Inflater inflater(name);
  z_stream& stream = inflater.stream;
  auto output = std::make_shared<HeapBytes>();
  output->reserve(guess_size(bytes, limit), name);
  std::size_t consumed = 0;
  while (consumed < bytes.size()) {
    if (output->used == output->capacity) {
      check_limit(*output, consumed, limit, name);
      output->reserve(std::min<std::uint64_t>(output->capacity * 2, limit + 1), name);
    }
    const auto in = static_cast<uInt>(std::min(bytes.size() - consumed, kStep));
    const auto out =
        static_cast<uInt>(std::min<std::size_t>(output->capacity - output->used, INT_MAX));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data() + consumed));
    stream.avail_in = in;
    stream.next_out = reinterpret_cast<Bytef*>(output->data + output->used);
    stream.avail_out = out;
    const int status = ::inflate(&stream, Z_NO_FLUSH);
    if (input != nullptr) input->release(bytes.data() + consumed, in - stream.avail_in);
    consumed += in - stream.avail_in;
    output->used += out - stream.avail_out;
    if (status == Z_STREAM_END) {
      if (consumed == bytes.size()) {
        check_limit(*output, consumed, limit, name);
        return {name, {output->data, output->used}, output, bytes.size()};
      }
      if (!is_gzip(bytes.subspan(consumed))) {
        throw Error(name + ": gzip: byte " + std::to_string(consumed) +
                    ": expected the end or another member, got other bytes");
      }
      ::inflateReset(&stream);
    } else if (status != Z_OK && !(status == Z_BUF_ERROR && stream.avail_out == 0)) {
      throw Error(name + ": gzip: byte " + std::to_string(consumed) + ": " +
                  "expected deflated data, got broken ones: " +
                  (stream.msg != nullptr ? stream.msg : "no reason given"));
    }
  }
  throw Error(name + ": gzip: truncated: the file ends at byte " + std::to_string(bytes.size()) +
              " before its data do, after " + std::to_string(output->used) + " decompressed bytes");
}

}  // namespace sidenet
