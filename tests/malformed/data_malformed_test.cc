#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../internal/image_files.h"
#include "cifar.h"
#include "gzip.h"
#include "idx.h"
#include "refused_files.h"
#include "sidenet/dataset.h"
#include "sidenet/image.h"
#include "tar.h"

using namespace sidenet;
using namespace files;
namespace fs = std::filesystem;

namespace {

void check_refused(const std::string& spec, const std::string& part) {
  check_message(error_of([&] { Dataset::open(spec); }), "", part);
}

FileBytes file(const std::string& name, const Bytes& bytes) { return {name, view(bytes), nullptr}; }

}  // namespace

TEST_CASE("gzip: cut short, damaged, followed by rubbish") {
  Bytes good = gzip("a fine row of bytes, and another, and another");
  check_prefixes_refused(good, 1, [](const Bytes& bytes) { gunzip(view(bytes), "x.gz", 1 << 26); });
  check_message(error_of([&] { gunzip(view(good.substr(0, 30)), "x.gz", 1 << 26); }),
                "x.gz: gzip: truncated", "byte 30");
  check_message(error_of([&] { gunzip(view(good + "rubbish"), "x.gz", 1 << 26); }),
                "x.gz: gzip: byte", "another member");
  good[good.size() - 6] = static_cast<char>(good[good.size() - 6] ^ 1);
  check_message(error_of([&] { gunzip(view(good), "x.gz", 1 << 26); }), "x.gz: gzip: byte",
                "incorrect data check");
}

TEST_CASE("gzip: a bomb stops at the limit") {
  Bytes bomb = gzip(Bytes(std::size_t{8} << 20, '\0'));
  check_message(error_of([&] { gunzip(view(bomb), "x.gz", 1 << 20); }),
                "x.gz: ", "at most 1048576");
  bomb.replace(bomb.size() - 4, 4, "\xff\xff\xff\xff");  // claims 4 GiB
  check_message(error_of([&] { gunzip(view(bomb), "x.gz", 1 << 20); }),
                "x.gz: ", "at most 1048576");
}

TEST_CASE("gzip: a bomb stops at three times the file and 48 MiB") {
  const Bytes bomb = gzip(Bytes(std::size_t{60} << 20, '\0'));
  check_message(error_of([&] { gunzip(view(bomb), "x.gz", max_inflated(bomb.size())); }),
                "x.gz: gzip: byte", "decompressed bytes from a file of this size");
  CHECK(max_inflated(0) == std::uint64_t{48} << 20);
  CHECK(max_inflated(10'000'000) == 30'000'000 + (std::uint64_t{48} << 20));
  CHECK(max_inflated(~std::uint64_t{0}) == std::uint64_t{1} << 40);
}

TEST_CASE("tar: names that lead out of a folder are inert") {
  for (const char* name : {"../x.bin", "/abs/x.bin", "C:\\x.bin"}) {
    const auto members = read_tar(file("x.tar", tar_member(name, "abc") + tar_end()));
    ++testing::tried_files;
    REQUIRE(members.size() == 1);
    CHECK(members[0].name == std::string("x.tar/") + name);
  }
}

TEST_CASE("tar: names and members without end") {
  const Bytes path = "path=" + Bytes(5000, 'a') + "\n";
  const Bytes pax = tar_member("pax", "5011 " + path, 'x') + tar_member("a.bin", "x") + tar_end();
  check_message(error_of([&] { read_tar(file("x.tar", pax)); }), "x.tar: tar header at byte 0",
                "at most 4096 bytes, got 5000");
  const Bytes gnu =
      tar_member("long", Bytes(5000, 'a'), 'L') + tar_member("a.bin", "x") + tar_end();
  check_message(error_of([&] { read_tar(file("x.tar", gnu)); }), "x.tar: tar header at byte 0",
                "at most 4096 bytes, got 5000");
  const Bytes member = tar_member("a.bin", "");
  Bytes many;
  for (int i = 0; i < 65537; ++i) many += member;
  check_message(error_of([&] { read_tar(file("x.tar", many + tar_end())); }),
                "x.tar: tar header at byte 33554432", "expected at most 65536 files");
}

TEST_CASE("tar: cut short, wrong checksum, wrong sizes") {
  const Bytes member = tar_member("a.bin", Bytes(700, 'a'));
  check_prefixes_refused(member + Bytes(512, '\0'), 37,
                         [](const Bytes& bytes) { read_tar(file("x.tar", bytes)); });
  Bytes bad = member + tar_end();
  bad[3] = 'X';
  check_message(error_of([&] { read_tar(file("x.tar", bad)); }), "x.tar: tar header at byte 0",
                "checksum");
  const auto sized = [&](const Bytes& field) {  // the size, with the checksum made right again
    Bytes tar = member + tar_end();
    tar.replace(124, field.size(), field);
    tar.replace(148, 8, Bytes(8, ' '));
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(tar[i]);
    return tar.replace(148, 6, octal(sum, 6));
  };
  check_message(error_of([&] { read_tar(file("x.tar", sized("77777777777"))); }),
                "x.tar: ", "truncated: the member takes");
  check_message(error_of([&] { read_tar(file("x.tar", sized("notanumber!"))); }),
                "x.tar: ", "its size is not a number");
  check_message(
      error_of([&] {
        read_tar(
            file("x.tar", sized(Bytes("\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12))));
      }),
      "x.tar: ", "not a number");
  for (const std::string pax :
       {"9999 path=x\n", "0 path=x\n", "path=x\n", "8 path=x\n", "99999999999999999999 a=b\n"}) {
    CAPTURE(pax);
    const Bytes tar = tar_member("pax", pax, 'x') + member + tar_end();
    check_message(error_of([&] { read_tar(file("x.tar", tar)); }), "x.tar: ", "pax record");
  }
  const Bytes pax_size = tar_member("pax", "16 size=9999999\n", 'x') + member + tar_end();
  check_message(error_of([&] { read_tar(file("x.tar", pax_size)); }),
                "x.tar: ", "takes 9999999 bytes");
}

TEST_CASE("IDX: counts that disagree") {
  const Bytes good = idx({2, 2, 2}, "abcdefgh");
  check_prefixes_refused(good, 1, [](const Bytes& bytes) { parse_idx(file("x", bytes)); });
  check_message(error_of([&] { parse_idx(file("x", good + "i")); }),
                "x: IDX: byte 16: ", "expected 8 bytes for (2, 2, 2), got 9");
  const Bytes huge = idx({0xffffffff, 0xffffffff, 0xffffffff}, "");
  check_message(error_of([&] { parse_idx(file("x", huge)); }),
                "x: IDX: byte 12: ", "overflow 64 bits");
  Bytes floats = good;
  floats[2] = '\x0d';
  check_message(error_of([&] { parse_idx(file("x", floats)); }), "x: IDX: byte 2", "got 13");
}

TEST_CASE("IDX pairs that do not fit") {
  const Folder folder;
  const std::string images = folder.write("images", idx({2, 2, 2}, "abcdefgh"));
  const std::string labels = folder.write("labels", idx({2}, "ab"));
  check_refused(images + "," + folder.write("three", idx({3}, "abc")), "expected 2 labels");
  check_refused(images + "," + images, "expected labels (N)");
  check_refused(labels + "," + labels, "expected images");
  check_refused(images, "IDX pair");
  check_refused(images + "," + labels + "," + labels, "IDX pair");
  check_refused(images + "," + folder.write("c.bin", cifar10(1)), "IDX pair");
  check_refused(images + ",", "either side of each comma");
  check_refused(
      folder.write("none", idx({0, 2, 2}, "")) + "," + folder.write("nolabels", idx({0}, "")),
      "no images");
  check_refused(folder.write("five", idx({2, 1, 1, 5}, "abcdefghij")) + "," + labels, "1 or 3");
  check_refused(folder.write("cut.gz", gzip(idx({2}, "ab")).substr(0, 20)) + "," + images,
                "gzip: truncated");
}

TEST_CASE("CIFAR: cut short, labels out of range, kinds mixed") {
  const Folder folder;
  check_prefixes_refused(cifar10(1), 61,
                         [](const Bytes& bytes) { cifar_kind(file("x.bin", bytes)); });
  check_refused(folder.write("cut.bin", cifar10(2).substr(0, 6145)), "got 6145 bytes");
  check_refused(folder.write("label.bin", cifar10(2).replace(3073, 1, "\x0a")),
                "CIFAR-10 label at byte 3073: expected 0 to 9, got 10");
  check_refused(folder.write("fine.bin", cifar_row("\x01\x64", 0)),
                "CIFAR-100 label at byte 1: expected 0 to 99, got 100");
  check_refused(folder.write("coarse.bin", cifar_row("\x14\x01", 0)), "0 to 19 (coarse), got 20");
  check_refused(
      folder.write("a.bin", cifar10(1)) + "," + folder.write("b.bin", cifar_row("\x01\x01", 0)),
      "cannot be mixed");
  check_refused(folder.write("empty.bin", ""), "got 0 bytes");
  check_refused(folder.write("text.txt", std::string("\0label\n", 7)),
                "expected IDX, tar, or CIFAR");
  check_refused(
      folder.write("py.tar", tar_member("cifar-10-batches-py/data_batch_1", "x") + tar_end()),
      "without .bin files");
}

TEST_CASE("folders with nothing to read") {
  const Folder folder;
  check_refused(folder.path, "got 0 folders without images");
  fs::create_directories(folder.path + "/cat");
  folder.write("loose.png", plain_png(1, 1, "\x01"));
  check_refused(folder.path, "got 1 folders without images and 1 picture beside");
  folder.write("cat/notes.txt", "no picture");
  folder.write("cat/x.gif", "");
  folder.write("cat/y.GIF", "");
  check_refused(
      folder.path,
      "in a class folder, got others alone: .gif (2 files in 1 folder), .txt (1 file in 1 folder)");
  fs::remove_all(folder.path + "/cat");
  fs::create_directories(folder.path + "/cat");
  check_refused(folder.path + "/gone", "No such file");
  check_refused("", "got an empty one");
  fs::create_symlink("nowhere.png", folder.path + "/cat/x.png");
  check_refused(folder.path, "cat/x.png: expected an image file");
  fs::remove(folder.path + "/cat/x.png");
  REQUIRE(::mkfifo((folder.path + "/cat/pipe.png").c_str(), 0600) == 0);
  check_refused(folder.path, "special file");
}

TEST_CASE("files and folders that may not be read") {
  if (::geteuid() == 0) {
    MESSAGE("run as root, who may read everything: skipped");
    return;
  }
  const Folder folder;
  const std::string bin = folder.write("x.bin", cifar10(1));
  folder.write("set/cat/x.png", plain_png(1, 1, "\x01"));
  fs::permissions(bin, fs::perms::none);
  fs::permissions(folder.path + "/set/cat", fs::perms::none);
  check_refused(bin, "Permission denied");
  check_refused(folder.path + "/set", "Permission denied");
  fs::permissions(folder.path + "/set/cat", fs::perms::owner_all);
}
