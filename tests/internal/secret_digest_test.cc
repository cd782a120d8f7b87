#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "secret_digest.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "counting_bytes.h"
#include "digest.h"
#include "folder_secret.h"
#include "sidenet/error.h"

using namespace sidenet;
namespace fs = std::filesystem;

namespace {

using sidenet::testing::bytes_of;
using sidenet::testing::counting;

std::string hex_of(const std::array<std::uint64_t, 2>& words) {
  std::string text;
  std::array<unsigned char, 16> bytes{};
  std::memcpy(bytes.data(), words.data(), bytes.size());
  for (const unsigned char byte : bytes) text += to_hex(byte).substr(14);
  return text;
}

const Secret kSecret{1, 2, 3, ~std::uint64_t{0}};

}  // namespace

TEST_CASE("SipHash-2-4 of 128 bits, as its authors' test vectors have it") {
  const std::array<std::uint64_t, 2> key{0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
  std::string text;
  for (int i = 0; i < 63; ++i) text += static_cast<char>(i);
  const auto hash = [&](std::size_t size) {
    return hex_of(siphash(key, bytes_of(text).first(size)));
  };
  CHECK(hash(0) == "a3817f04ba25a8e66df67214c7550293");
  CHECK(hash(1) == "da87c1d86b99af44347659119b22fc45");
  CHECK(hash(8) == "3b62a9ba6258f5610f83e264f31497b4");
  CHECK(hash(15) == "5493e99933b0a8117e08ec0f97cfc3d9");
  CHECK(hash(16) == "6ee2a4ca67b054bbfd3315bf85230577");
  CHECK(hash(63) == "5150d1772f50834a503e069a973fbd7c");
}

TEST_CASE("a digest as another implementation, with integers of any size, has it") {
  const SecretKey key(kSecret);
  const auto digest = [&](std::size_t size) {
    return SecretDigest(key)
        .add("winograd")
        .add(std::uint64_t{7})
        .add_many(bytes_of(counting(size)))
        .hex();
  };
  CHECK(digest(0) == "77361ca93479410db25ff31f99697387");
  CHECK(digest(1) == "bf86e9c1bed83955b031da4bb7a2aca9");
  CHECK(digest(511) == "ef7820b57419b829c9c586a990fe916e");
  CHECK(digest(512) == "0ee2952da009210f65ab905a82861ccf");
  CHECK(digest(513) == "953fbcc4c4a76fefde4150c148425b88");
  CHECK(digest(5000) == "8a4a6c670ff52c4517ecc18ee00b2d3b");
  CHECK(digest(100000) == "890d03f932edde86a8af020828818506");
  CHECK(SecretDigest(key).add_many(bytes_of(std::string(2000, '\xff'))).hex() ==
        "1561caaf5c94655a1f47c63abac775b1");
}

TEST_CASE("it depends on every bit, on the lengths, on where fields end and on the secret") {
  const SecretKey key(kSecret);
  std::set<std::string> seen;
  std::size_t tried = 0;
  const auto add = [&](const SecretDigest& digest) {
    seen.insert(digest.hex());
    ++tried;
  };
  std::string text = counting(600);
  for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
    add(SecretDigest(key).add_many(bytes_of(text)));
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
  }
  for (std::size_t size = 0; size < 600; ++size)
    add(SecretDigest(key).add_many(bytes_of(std::string(size, '\0'))));
  add(SecretDigest(key));
  add(SecretDigest(key).add("ab").add("c"));
  add(SecretDigest(key).add("a").add("bc"));
  add(SecretDigest(key).add("abc"));
  add(SecretDigest(key).add_many(bytes_of("abc")));
  add(SecretDigest(key).add(std::uint64_t{0}));
  add(SecretDigest(key).add(""));
  for (std::size_t word = 0; word < 4; ++word) {
    Secret other = kSecret;
    other[word] ^= 1;
    add(SecretDigest(SecretKey(other)).add("abc").add_many(bytes_of(text)));
  }
  CHECK(seen.size() == tried);
}

TEST_CASE("a folder's secret stays, and is nobody else's") {
  std::string path = (fs::temp_directory_path() / "sidenet-secret-XXXXXX").string();
  REQUIRE(::mkdtemp(path.data()));
  {
    const OwnFolder folder(path), same(path);
    const Secret secret = secret_of(folder);
    CHECK(secret != new_secret());
    CHECK(secret_of(same) == secret);
    const std::string file = path + "/secret", victim = path + "/victim";
    fs::permissions(file, fs::perms::others_read, fs::perm_options::add);  // no secret any more
    const Secret second = secret_of(folder);
    CHECK(second != secret);
    CHECK((fs::status(file).permissions() & fs::perms::all) ==
          (fs::perms::owner_read | fs::perms::owner_write));
    fs::rename(file, victim);
    fs::create_symlink("victim", file);
    const Secret third = secret_of(folder);
    CHECK(third != second);
    CHECK(fs::is_regular_file(fs::symlink_status(file)));
    CHECK(fs::file_size(victim) == sizeof(Secret));
    fs::resize_file(file, 31);
    CHECK(secret_of(folder) != third);
    fs::remove(file);
    fs::create_directory(file);
    CHECK_THROWS_AS(secret_of(folder), Error);
  }
  fs::remove_all(path);
}
