#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../internal/image_files.h"
#include "cifar.h"
#include "gzip.h"
#include "idx.h"
#include "image_decode.h"
#include "sidenet/dataset.h"
#include "sidenet/image.h"
#include "tar.h"
#include "tried_files.h"

using namespace sidenet;
using namespace files;
namespace fs = std::filesystem;

namespace {

/// One line that begins with the file's name and holds `part`.
void check_message(const std::string& message, const std::string& name, const std::string& part) {
  ++testing::tried_files;
  CAPTURE(message);
  CAPTURE(part);
  CHECK(is_one_line(message));
  CHECK(message.find(name) == 0);
  CHECK(message.find(part) != std::string::npos);
}

void check_image_refused(const Bytes& bytes, const std::string& part) {
  check_message(error_of([&] { decode_image(view(bytes), 3, "x.img"); }), "x.img: ", part);
}

void check_refused(const std::string& spec, const std::string& part) {
  check_message(error_of([&] { Dataset::open(spec); }), "", part);
}

/// `read` refuses every proper prefix of `bytes` (every `step`th).
template <typename Read>
void check_prefixes_refused(const Bytes& bytes, std::size_t step, Read read) {
  for (std::size_t size = 0; size < bytes.size(); size += step) {
    const Bytes prefix = bytes.substr(0, size);
    ++testing::tried_files;
    const auto message = error_of([&] { read(prefix); });
    INFO("prefix of ", size, " bytes: ", message);
    CHECK(is_one_line(message));
  }
}

FileBytes file(const std::string& name, const Bytes& bytes) { return {name, view(bytes), nullptr}; }

Bytes png_header(std::uint32_t width, std::uint32_t height, char depth = 8) {
  return png(width, height, depth, 0, Bytes(8, '\0'));
}

/// A JPEG with `segment` put right after its start marker.
Bytes jpeg_with(const Bytes& segment) { return read(golden_image("photo.jpg")).insert(2, segment); }

Bytes huffman_segment(const std::vector<int>& counts, int symbols) {
  Bytes lengths(16, '\0');
  for (std::size_t i = 0; i < counts.size(); ++i) lengths[i] = static_cast<char>(counts[i]);
  const Bytes body = Bytes(1, '\x10') + lengths + Bytes(static_cast<std::size_t>(symbols), '\x01');
  return "\xff\xc4" + be32(static_cast<std::uint32_t>(body.size() + 2)).substr(2) + body;
}

}  // namespace

TEST_CASE("images cut short anywhere") {
  for (const char* name : {"rgb.png", "palette.png", "bmp24.bmp", "bmp8.bmp", "photo.jpg",
                           "progressive.jpg", "cmyk.jpg"}) {
    CAPTURE(name);
    check_prefixes_refused(read(golden_image(name)), 1,
                           [](const Bytes& bytes) { decode_image(view(bytes), 3, "x"); });
  }
}

TEST_CASE("PNG with any bit of its chunks flipped") {
  const Bytes good = read(golden_image("palette.png"));
  for (std::size_t at = 8; at < good.size(); ++at) {
    Bytes bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1 << at % 8);
    CAPTURE(at);
    ++testing::tried_files;
    CHECK(is_one_line(error_of([&] { decode_image(view(bad), 3, "x"); })));
  }
}

TEST_CASE("image bombs: nothing is decoded") {
  check_image_refused(png_header(30000, 30000),
                      "expected at most 67108864 pixels in all, got 30000 x 30000");
  check_image_refused(png_header(40000, 1), "expected sides of at most 32768 pixels");
  check_image_refused(png_header(0x7fffffff, 0x7fffffff), "expected sides");
  check_image_refused(png_header(0, 5), "no pixels");
  check_image_refused(png_header(8000, 8000), "more than the 561408 that its 68 bytes may hold");
  check_image_refused(png_header(800, 200), "does not decode");  // fewer rows than promised
  // Far more rows than promised: 40 MB behind a header of 8 x 8.
  const Bytes bomb = png(8, 8, 8, 0, Bytes(std::size_t{40} << 20, '\0'));
  check_image_refused(bomb, "does not decode");
}

TEST_CASE("JPEG: Huffman tables that overflow the decoder's, and endless scans") {
  check_image_refused(jpeg_with(huffman_segment(std::vector<int>(16, 255), 4080)),
                      "more codes than fit their lengths");
  check_image_refused(jpeg_with(huffman_segment({0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 100, 100}, 300)),
                      "has 300 symbols");
  check_image_refused(jpeg_with(huffman_segment({0, 0, 0, 0, 0, 0, 0, 0, 255, 1}, 256)),
                      "has 256 symbols");
  check_image_refused(jpeg_with(huffman_segment({0, 2}, 1)), "cut short");
  check_image_refused(jpeg_with(Bytes("\xff\xe0\x00\x01", 4)), "shorter than its own length field");
  check_image_refused(jpeg_with("\xff\xd8"), "unexpected JPEG marker");

  Bytes large = read(golden_image("progressive.jpg"));
  const auto frame = large.find("\xff\xc2");
  REQUIRE(frame != Bytes::npos);
  large.replace(frame + 5, 4, Bytes("\x03\xe8\x03\xe8", 4));  // 1000 x 1000
  const auto end = large.rfind("\xff\xd9");
  for (int i = 0; i < 2000; ++i)
    large.insert(end, Bytes("\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00", 10));
  check_image_refused(large, "too many scans");
}

TEST_CASE("JPEG: a scan without all of its blocks, although the file has its end") {
  for (const char* name : {"photo.jpg", "photo_grey.jpg", "cmyk.jpg", "restart.jpg"}) {
    const Bytes good = read(golden_image(name));
    const std::size_t data = good.rfind("\xff\xda") + 14, end = good.size() - 2;
    CAPTURE(name);
    for (std::size_t at = data; at + 1 < end; ++at) {
      CAPTURE(at);
      check_image_refused(good.substr(0, at) + "\xff\xd9", "blocks: it is damaged");
    }
  }
  Bytes restarts = read(golden_image("restart.jpg"));
  const std::size_t second = restarts.find("\xff\xd1");
  REQUIRE(second != Bytes::npos);
  check_image_refused(Bytes(restarts).erase(second, 2), "a restart marker after 4 of 15 blocks");
  check_image_refused(Bytes(restarts).insert(second, "abcdef"), "expected a restart marker");
}

TEST_CASE("JPEG: other kinds are named") {
  for (const char kind : {'\xc3', '\xc5', '\xc9', '\xcf'}) {
    Bytes jpeg = read(golden_image("photo.jpg"));
    jpeg[jpeg.find("\xff\xc0") + 1] = kind;
    check_image_refused(jpeg, "got a lossless, hierarchical or arithmetic-coded one");
  }
}

TEST_CASE("JPEG: thousands of Huffman tables") {
  const Bytes table = huffman_segment({0, 2}, 2);
  Bytes tables;
  for (int i = 0; i < 4100; ++i) tables += table;
  check_image_refused(jpeg_with(tables), "expected at most 4000 Huffman tables");
}

TEST_CASE("PNG: compressed text and profiles are not unpacked") {
  Bytes picture = plain_png(2, 2, "\x01");
  const Bytes bomb = zlib(Bytes(std::size_t{20} << 20, '\0'));
  picture.insert(33, png_chunk("zTXt", Bytes("a\0\0", 3) + bomb) +
                         png_chunk("iCCP", Bytes("a\0\0", 3) + bomb));
  ++testing::tried_files;
  CHECK(error_of([&] { decode_image(view(picture), 3, "x.png"); }) == "");
}

TEST_CASE("PNG: flat pictures above 16 megapixels need a byte for 64 pixels") {
  Bytes rows;
  for (int y = 0; y < 5000; ++y) rows += Bytes(626, '\0');
  check_image_refused(png(5000, 5000, 1, 0, rows), "more than the");
}

TEST_CASE("JPEG and BMP damage never gets past an Error") {
  for (const char* name : {"photo.jpg", "progressive.jpg", "cmyk.jpg", "bmp8.bmp"}) {
    const Bytes good = read(golden_image(name));
    for (std::size_t at = 0; at < good.size(); ++at) {
      for (const int flip : {0x01, 0x80, 0xff}) {
        Bytes bad = good;
        bad[at] = static_cast<char>(bad[at] ^ flip);
        ++testing::tried_files;
        const auto message = error_of([&] { decode_image(view(bad), 3, "x.img"); });
        CHECK(message.find('\n') == Bytes::npos);
      }
    }
  }
}

TEST_CASE("BMP: sizes that its bytes do not hold") {
  Bytes bmp = read(golden_image("bmp24.bmp"));
  bmp.replace(18, 4, Bytes("\xff\x00\x00\x00", 4));
  check_image_refused(bmp, "truncated: a BMP of 255 x");
  bmp.replace(22, 4, Bytes("\x00\x00\x00\x80", 4));  // the most negative height
  check_image_refused(bmp, "2147483648 rows");
  bmp.replace(28, 2, Bytes("\xff\xff", 2));
  check_image_refused(bmp, "at most 32 bits");
}

TEST_CASE("BMP: run lengths, and OS/2's palettes") {
  Bytes bmp = read(golden_image("bmp8.bmp"));
  bmp[30] = 1;
  check_image_refused(bmp, "got run lengths (RLE): convert it to PNG");
  Bytes old("BM\0\0\0\0\0\0\0\0\x20\0\0\0\x0c\0\0\0\2\0\2\0\1\0\1\0", 26);
  check_image_refused(old + Bytes(14, '\0'), "one of OS/2 with a palette");
}

TEST_CASE("PNG: grey of 16 bits, and Apple's own variant") {
  check_image_refused(png(2, 1, 16, 0, Bytes("\0\x12\x34\x56\x78", 5)),
                      "expected at most 8 bits of grey in a PNG, got 16");
  Bytes apple = plain_png(2, 2, "\x01\x02\x03");
  apple.insert(33, png_chunk("CgBI", Bytes(4, '\0')));
  check_image_refused(apple, "Apple's own variant");
}

TEST_CASE("JPEG: colours that markers tell otherwise than the components' names") {
  Bytes jpeg = read(golden_image("photo.jpg"));
  const auto frame = jpeg.find("\xff\xc0");
  REQUIRE(frame != Bytes::npos);
  for (const auto& [at, name] : {std::pair(10, 'R'), {13, 'G'}, {16, 'B'}}) jpeg[frame + at] = name;
  check_image_refused(jpeg, "components named R, G and B behind a marker that says YCbCr");
}

TEST_CASE("files that are no images") {
  check_image_refused("", "an empty file");
  check_image_refused("GIF89a etc", "got a GIF picture: convert it to PNG");
  check_image_refused(Bytes("RIFF\x10\0\0\0WEBPVP8 ", 16), "got a WebP picture");
  check_image_refused(Bytes("\0\0\0\x1c"
                            "ftypheic",
                            12),
                      "got a HEIC picture");
  check_image_refused("<!DOCTYPE html>", "text with tags");
  check_image_refused("version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS");
  check_image_refused(Bytes(1000, '\0'), "starts as none of them");
  const Folder folder;
  check_message(error_of([&] { read_image(folder.path + "/gone.png", 3); }),
                folder.path + "/gone.png", "No such file");
  check_message(error_of([&] { read_image(folder.path, 3); }), folder.path, "found a folder");
}

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
  folder.write("cat/x.webp", "");
  folder.write("cat/y.WEBP", "");
  check_refused(folder.path,
                "cat: expected PNG, JPEG or BMP files in a class folder, got others "
                "alone: .webp (2 files in 1 folder), .txt (1 file in 1 folder)");
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
