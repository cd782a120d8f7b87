#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "cifar.h"
#include "gzip.h"
#include "idx.h"
#include "image_files.h"
#include "tar.h"

using namespace sidenet;
using namespace files;

namespace {

FileBytes file(const std::string& name, const Bytes& bytes) { return {name, view(bytes), nullptr}; }

Bytes text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_CASE("gzip: members are joined, lengths that lie about themselves change nothing") {
  const Bytes hello(70000, 'h'), world = "world";
  CHECK(text(gunzip(view(gzip(hello)), "a.gz", 1 << 26).bytes) == hello);
  CHECK(text(gunzip(view(gzip(hello) + gzip(world)), "a.gz", 1 << 26).bytes) == hello + world);
  CHECK(text(gunzip(view(gzip("")), "a.gz", 1 << 26).bytes) == "");
  // The first guess comes from the last member, here far too small: the rest has to grow.
  const Bytes large(3000000, 'x');
  CHECK(text(gunzip(view(gzip(large) + gzip("")), "a.gz", 1 << 26).bytes) == large);
}

TEST_CASE("gzip: the limit is exact") {
  const Bytes packed = gzip(Bytes(5000, 'z'));
  CHECK(gunzip(view(packed), "a.gz", 5000).bytes.size() == 5000);
  CHECK(error_of([&] {
          gunzip(view(packed), "a.gz", 4999);
        }).find("expected at most 4999 decompressed bytes") != std::string::npos);
}

TEST_CASE("tar: files of ustar, GNU long names and pax headers; folders are left out") {
  const std::string long_name = std::string(150, 'd') + "/deep.bin";
  const std::string pax_path = "path=pax/name.bin\n";
  const Bytes pax = std::to_string(pax_path.size() + 3) + " " + pax_path;
  const Bytes archive = tar_member("folder/", "", '5') + tar_member("folder/a.bin", "alpha") +
                        tar_member("././@LongLink", long_name + '\0', 'L') +
                        tar_member(long_name, Bytes(512, 'b')) + tar_member("paxheader", pax, 'x') +
                        tar_member("short", "pi") + tar_member("bad\nname", "") + tar_end();
  CHECK(is_tar(view(archive)));
  const auto members = read_tar(file("x.tar", archive));
  REQUIRE(members.size() == 4);
  CHECK(members[0].name == "x.tar/folder/a.bin");
  CHECK(text(members[0].bytes) == "alpha");
  CHECK(members[1].name == "x.tar/" + long_name);
  CHECK(members[1].bytes.size() == 512);
  CHECK(members[2].name == "x.tar/pax/name.bin");
  CHECK(text(members[2].bytes) == "pi");
  CHECK(members[3].name == "x.tar/bad?name");
  CHECK(read_tar(file("x.tar", tar_end())).empty());
}

TEST_CASE("tar: old archives without a magic are known by their checksum") {
  Bytes archive = tar_member("old.bin", "1234");
  std::uint64_t magic = 0;
  for (std::size_t i = 257; i < 265; ++i)
    magic += static_cast<unsigned char>(std::exchange(archive[i], '\0'));
  const std::uint64_t sum = std::stoull(archive.substr(148, 6), nullptr, 8) - magic;
  archive.replace(148, 6, octal(sum, 6));
  archive += tar_end();
  CHECK(is_tar(view(archive)));
  CHECK(text(read_tar(file("v7.tar", archive)).at(0).bytes) == "1234");
  CHECK_FALSE(is_tar(view(cifar10(2))));
}

TEST_CASE("IDX: extents and elements") {
  const Bytes bytes = idx({2, 1, 3}, "abcdef");
  const IdxArray array = parse_idx(file("images", bytes));
  CHECK(array.shape == Shape{2, 1, 3});
  CHECK(text(array.elements) == "abcdef");
  CHECK(parse_idx(file("labels", idx({0}, ""))).shape == Shape{0});
}

TEST_CASE("CIFAR-10 and CIFAR-100 are told by length and labels") {
  CHECK(cifar_kind(file("x.bin", cifar10(3))) == CifarKind::cifar10);
  CHECK(cifar_kind(file("x.bin", cifar_row("\x13\x63", 0))) == CifarKind::cifar100);
}

TEST_CASE("CIFAR: where both kinds fit, the name tells") {
  const Bytes zeros(std::size_t{3073} * 3074, '\0');
  CHECK(cifar_kind(file("dir/data_batch_1.bin", zeros)) == CifarKind::cifar10);
  CHECK(cifar_kind(file("dir/train.bin", zeros)) == CifarKind::cifar100);
  CHECK(error_of([&] {
          cifar_kind(file("x.bin", zeros));
        }).find("fits CIFAR-10 and CIFAR-100 alike") != std::string::npos);
}
