#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "digest.h"

#include <doctest/doctest.h>

#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "counting_bytes.h"

using namespace sidenet;

namespace {

using sidenet::testing::bytes_of;
using sidenet::testing::counting;

std::pair<std::uint64_t, std::uint64_t> hash_of(const std::string& text) {
  const Hash128 hash = hash128(bytes_of(text));
  return {hash.high, hash.low};
}

}  // namespace

TEST_CASE("a digest depends on every byte and on where fields end") {
  CHECK(Digest().add("ab").add("c").hex() != Digest().add("a").add("bc").hex());
  CHECK(Digest().add("ab").hex() == Digest().add("ab").hex());
  const std::string text(100, 'x');
  const auto bytes = bytes_of(text);
  const std::uint64_t whole = hash64(bytes, 0);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = 'y';
    CHECK(hash64(bytes_of(other), 0) != whole);
    CHECK(hash64(bytes.first(i), 0) != whole);
  }
  CHECK(hash64(bytes, 1) != whole);
}

TEST_CASE("what model files keep never changes") {
  const std::string text = counting(100);
  const auto hash = [&](std::size_t size) {
    return to_hex(hash64(bytes_of(text).first(size), size));
  };
  CHECK(hash(0) == "a959e0c221b2c4f0");
  CHECK(hash(1) == "13e396506aa66b3f");
  CHECK(hash(15) == "76b02d0e7fb5eb01");
  CHECK(hash(16) == "234da83572f92039");
  CHECK(hash(100) == "46f820cd8513fb61");
  CHECK(Digest().hex() == "243f6a8885a308d313198a2e03707344");
  CHECK(Digest().add("ab").add(std::uint64_t{7}).add(bytes_of(text)).hex() ==
        "b57252683d58bf50ea59d6b4bf2e13da");
}

TEST_CASE("128 bits depend on every bit, on the length and on the order of words") {
  const std::string text = counting(161);
  for (std::size_t size : {1, 8, 31, 32, 33, 64, 161}) {
    std::string part = text.substr(0, size);
    const auto whole = hash_of(part);
    for (std::size_t bit = 0; bit < 8 * size; ++bit) {
      std::string other = part;
      other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << bit % 8));
      const auto changed = hash_of(other);
      CHECK(changed.first != whole.first);
      CHECK(changed.second != whole.second);
    }
    CHECK(hash_of(part + '\0') != whole);
    for (std::size_t word = 8; word + 8 <= size; word += 8) {
      std::string other = part;
      std::swap_ranges(other.begin(), other.begin() + 8,
                       other.begin() + static_cast<std::ptrdiff_t>(word));
      CHECK(hash_of(other) != whole);
    }
  }
  std::set<std::pair<std::uint64_t, std::uint64_t>> zeros;
  for (std::size_t size = 0; size < 300; ++size) zeros.insert(hash_of(std::string(size, '\0')));
  CHECK(zeros.size() == 300);
}

// Weights differ in such ways: other signs, a row moved, values that take turns.
TEST_CASE("128 bits tell changes of many words apart") {
  std::vector<std::uint64_t> words(96);
  for (std::size_t i = 0; i < words.size(); ++i)
    words[i] = 0x3f800000bf000000u + i * 0x0010000000100000u;
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
  std::size_t tried = 0;
  const auto try_now = [&] {
    std::string text(words.size() * sizeof(std::uint64_t), '\0');
    std::memcpy(text.data(), words.data(), text.size());
    seen.insert(hash_of(text));
    ++tried;
  };
  try_now();
  for (std::size_t first = 0; first < words.size(); ++first) {
    for (std::size_t second = first + 1; second < words.size(); ++second) {
      words[first] ^= 0x8000000080000000u, words[second] ^= 0x8000000080000000u;
      try_now();
      words[first] ^= 0x8000000080000000u, words[second] ^= 0x8000000080000000u;
      std::swap(words[first], words[second]);
      try_now();
      std::swap(words[first], words[second]);
    }
  }
  CHECK(seen.size() == tried);
}

TEST_CASE("a field of many bytes is a field") {
  const std::string text = counting(1000);
  CHECK(Digest().add_many(bytes_of(text)).hex() == Digest().add_many(bytes_of(text)).hex());
  CHECK(Digest().add_many(bytes_of(text)).hex() !=
        Digest().add_many(bytes_of(text).first(999)).hex());
  CHECK(Digest().add_many(bytes_of(text)).hex() != Digest().add(bytes_of(text)).hex());
  CHECK(Digest().add("a").add_many(bytes_of(text)).hex() !=
        Digest().add_many(bytes_of(text)).add("a").hex());
}
