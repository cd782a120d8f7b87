#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "image_files.h"
#include "sidenet/dataset.h"

using namespace sidenet;
using namespace files;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> names(const Dataset& data) {
  std::vector<std::string> result;
  for (std::int64_t i = 0; i < data.rows(); ++i) result.push_back(data.name(i));
  return result;
}

std::vector<int> labels(const Dataset& data) {
  std::vector<int> result;
  for (std::int64_t i = 0; i < data.rows(); ++i) result.push_back(data.label(i));
  return result;
}

int pixel(const Tensor& image, std::int64_t y, std::int64_t x, std::int64_t c) {
  return image.data<std::uint8_t>()[(y * image.dim(1) + x) * image.dim(2) + c];
}

}  // namespace

TEST_CASE("class folders: sorted names are labels, files at any depth, any case") {
  const Folder folder;
  folder.write("dog/b.PNG", plain_png(3, 2, "\x01\x02\x03"));
  folder.write("dog/a.png", plain_png(2, 2, "\x07"));
  folder.write("dog/nested/deep/c.png", plain_png(1, 1, "\x09"));
  folder.write("cat/1.jpeg", read(golden_image("photo.jpg")));
  folder.write("cat/2.bmp", read(golden_image("bmp24.bmp")));
  folder.write("cat/notes.txt", "not an image");
  folder.write("cat/.hidden.png", "not an image");
  folder.write(".git/x.png", "not an image");
  fs::create_directory(folder.path + "/empty");
  const auto data = Dataset::open(folder.path + "/");
  CHECK(data->class_names() == std::vector<std::string>{"cat", "dog", "empty"});
  CHECK(names(*data) == std::vector<std::string>{"cat/1.jpeg", "cat/2.bmp", "dog/a.png",
                                                 "dog/b.PNG", "dog/nested/deep/c.png"});
  CHECK(labels(*data) == std::vector<int>{0, 0, 1, 1, 1});
  CHECK(data->image(0).shape() == Shape{46, 74, 3});
  CHECK(data->image(2).shape() == Shape{2, 2, 1});
  CHECK(data->image(3).shape() == Shape{2, 3, 3});
  CHECK(pixel(data->image(3), 1, 2, 2) == 3);
}

TEST_CASE("class folders: what is skipped, left out or empty is told by kind, junk is not") {
  const Folder folder;
  const Bytes picture = plain_png(1, 1, "\x05");
  for (const char* image : {"a/1.png", "a/deep/2.png", "b/1.png", "beside.png"})
    folder.write(image, picture);
  for (const char* other :
       {"a/x.gif", "a/y.GIF", "a/deep/z.gif", "b/z.gif", "b/notes.txt", "b/README"})
    folder.write(other, "");
  for (const char* junk :
       {".DS_Store", "a/.DS_Store", "a/Thumbs.db", "a/desktop.ini", "a/._1.png",
        "__MACOSX/a/._1.png", "@eaDir/a/1.png", "a/.ipynb_checkpoints/1-checkpoint.png"})
    folder.write(junk, "");
  fs::create_directory(folder.path + "/c");
  const auto data = Dataset::open(folder.path);
  CHECK(data->class_names() == std::vector<std::string>{"a", "b", "c"});
  CHECK(names(*data) == std::vector<std::string>{"a/1.png", "a/deep/2.png", "b/1.png"});
  CHECK(data->notes() ==
        std::vector<std::string>{
            folder.path + ": skipped .gif (4 files in 3 folders), without a known extension (1 "
                          "file in 1 folder), .txt (1 file in 1 folder)",
            folder.path + ": left out, as they have no class: 1 picture beside the class folders, "
                          "such as 'beside.png'",
            folder.path + ": classes without a row, as their folders are empty: 'c'"});
  const FolderFiles images = images_below(folder.path + "/a/");
  CHECK(images.paths ==
        std::vector<std::string>{folder.path + "/a/1.png", folder.path + "/a/deep/2.png"});
  CHECK(images.notes ==
        std::vector<std::string>{folder.path + "/a/: skipped .gif (3 files in 2 folders)"});
  CHECK(error_of([&] { images_below(folder.path + "/c"); }).find("without PNG") !=
        std::string::npos);
}

TEST_CASE("of many kinds five are named") {
  const Folder folder;
  folder.write("a/1.png", plain_png(1, 1, "\x05"));
  for (int kind = 0; kind < 20; ++kind) {
    for (int file = 0; file <= kind; ++file)
      folder.write("a/" + std::to_string(file) + ".x" + std::to_string(kind), "");
  }
  const std::string note = Dataset::open(folder.path)->notes().at(0);
  CHECK(note.find(".x19 (20 files in 1 folder), .x18") != std::string::npos);
  CHECK(note.find(", and 120 files of 15 other kinds") != std::string::npos);
}

TEST_CASE("class folders are limited by classes in turn, and keep their order") {
  const Folder folder;
  for (const char* image : {"a/1", "a/2", "a/3", "b/1", "c/1", "c/2"})
    folder.write(image + std::string(".png"), plain_png(1, 1, "\x05"));
  const auto taken = [&](const DatasetOptions& options) {
    return names(*Dataset::open(folder.path, options));
  };
  using Names = std::vector<std::string>;
  CHECK(taken({.limit = 4}) == Names{"a/1.png", "a/2.png", "b/1.png", "c/1.png"});
  CHECK(taken({.skip = 4}) == Names{"a/3.png", "c/2.png"});
  CHECK(taken({.limit = 2, .labelled = false}) == Names{"a/1.png", "a/2.png"});
}

TEST_CASE("without labels: images at any depth, also beside folders") {
  const Folder folder;
  folder.write("z.png", plain_png(1, 1, "\x05"));
  folder.write("dog/a.png", plain_png(2, 2, "\x07"));
  folder.write("dog/deep/b.png", plain_png(1, 1, "\x09"));
  DatasetOptions options;
  options.labelled = false;
  const auto data = Dataset::open(folder.path, options);
  CHECK(names(*data) == std::vector<std::string>{"dog/a.png", "dog/deep/b.png", "z.png"});
  CHECK(labels(*data) == std::vector<int>{0, 0, 0});
  CHECK(data->class_names().empty());
  CHECK(data->image(2).shape() == Shape{1, 1, 1});
  CHECK_THROWS_AS(Dataset::open(folder.path + "/dog/deep"),
                  Error);  // with labels it has no class folders
  CHECK(Dataset::open(folder.path + "/dog/deep", options)->rows() == 1);
  fs::create_directory(folder.path + "/empty");
  CHECK_THROWS_AS(Dataset::open(folder.path + "/empty", options), Error);
}

TEST_CASE("class folders: links are followed, loops end, the same folder is not read twice") {
  const Folder folder;
  folder.write("store/x.png", plain_png(1, 1, "\x05"));
  folder.write("data/a/y.png", plain_png(1, 1, "\x06"));
  fs::create_directory_symlink("../store", folder.path + "/data/b");
  fs::create_directory_symlink(".", folder.path + "/data/a/loop");
  fs::create_directory_symlink("..", folder.path + "/store/up");
  const auto data = Dataset::open(folder.path + "/data");
  CHECK(labels(*data)[0] == 0);
  CHECK(names(*data)[0] == "a/y.png");
  CHECK(labels(*data).back() == 1);
  CHECK(data->rows() < 10);
}

TEST_CASE("the files of a data set are those that are read") {
  using Names = std::vector<std::string>;
  const Folder folder;
  const std::string classes = folder.path + "/classes", cifar = folder.path + "/cifar";
  folder.write("classes/dog/deep/b.PNG", "not looked at");
  folder.write("classes/cat/1.jpeg", "not looked at");
  for (const char* other : {"classes/cat/notes.txt", "classes/cat/.hidden.png",
                            "classes/beside.png", "cifar/other.txt"})
    folder.write(other, "not read");
  CHECK(Dataset::files(classes + "/") ==
        Names{classes + "/cat/1.jpeg", classes + "/dog/deep/b.PNG"});
  for (const char* batch : {"cifar/2.bin", "cifar/1.bin"}) folder.write(batch, "");
  CHECK(Dataset::files(cifar) == Names{cifar + "/1.bin", cifar + "/2.bin"});
  CHECK(Dataset::files("a,b") == Names{"a", "b"});
  const std::string comma = folder.write("a,b", "");
  CHECK(Dataset::files(comma) == Names{comma});
  CHECK(Dataset::files("missing") == Names{"missing"});
}

TEST_CASE("class folders decode when asked, not before") {
  const Folder folder;
  folder.write("a/broken.png", "no image");
  const auto data = Dataset::open(folder.path);
  CHECK(data->rows() == 1);
  const auto message = error_of([&] { data->image(0); });
  CHECK(is_one_line(message));
  CHECK(message.find("a/broken.png") != std::string::npos);
}

TEST_CASE("an IDX pair, either way round, packed or not; grey and colour") {
  const Folder folder;
  const std::string images = folder.write("img-idx3", idx({2, 2, 3}, "abcdefghijkl"));
  const std::string packed = folder.write("img-idx3.gz", gzip(idx({2, 2, 3}, "abcdefghijkl")));
  const std::string classes = folder.write("lab-idx1", idx({2}, Bytes("\x05\xff", 2)));
  for (const std::string& spec :
       {images + "," + classes, classes + "," + images, packed + "," + classes}) {
    const auto data = Dataset::open(spec);
    CHECK(labels(*data) == std::vector<int>{5, 255});
    CHECK(data->class_names().empty());
    const Tensor image = data->image(1);
    CHECK(image.shape() == Shape{2, 3, 1});
    CHECK(pixel(image, 1, 0, 0) == 'j');
  }
  CHECK(Dataset::open(images + "," + classes)->name(1) == "img-idx3[1]");
  const auto colour =
      Dataset::open(folder.write("c", idx({2, 1, 2, 3}, "abcdefghijkl")) + "," + classes);
  CHECK(colour->image(1).shape() == Shape{1, 2, 3});
  CHECK(pixel(colour->image(1), 0, 1, 2) == 'l');
}

TEST_CASE("a tensor outlives its dataset") {
  const Folder folder;
  const std::string images = folder.write("i", idx({1, 1, 2}, "ab")),
                    classes = folder.write("l", idx({1}, Bytes(1, '\0')));
  const Tensor image = Dataset::open(images + "," + classes)->image(0);
  CHECK(pixel(image, 0, 1, 0) == 'b');
}

TEST_CASE("CIFAR-10: one file, several, a folder, a tar, a tar.gz") {
  const Folder folder;
  const std::string one = folder.write("c/data_batch_1.bin", cifar10(3));
  const std::string two = folder.write("c/test_batch.bin", cifar10(2, 100));
  folder.write("c/batches.meta.txt", "airplane\n");
  const Bytes archive = tar_member("c/test_batch.bin", cifar10(2, 100)) +
                        tar_member("c/readme.html", "hello") +
                        tar_member("c/data_batch_1.bin", cifar10(3)) + tar_end();
  const std::string tar = folder.write("cifar.tar", archive),
                    packed = folder.write("cifar.tar.gz", gzip(archive));
  CHECK(Dataset::open(one)->rows() == 3);
  for (const std::string& spec : {one + "," + two, folder.path + "/c", tar, packed}) {
    CAPTURE(spec);
    const auto data = Dataset::open(spec);
    CHECK(labels(*data) == std::vector<int>{0, 1, 2, 0, 1});
    CHECK(data->name(2) == "data_batch_1.bin[2]");
    CHECK(data->name(4) == "test_batch.bin[1]");
    const Tensor image = data->image(4);
    CHECK(image.shape() == Shape{32, 32, 3});
    for (const int c : {0, 1, 2}) CHECK(pixel(image, 3, 5, c) == (101 + 3 * 32 + 5 + 80 * c) % 256);
  }
}

TEST_CASE("CIFAR-100: the fine label") {
  const Folder folder;
  const auto data =
      Dataset::open(folder.write("train.bin", cifar_row("\x02\x4d", 0) + cifar_row("\x03\x05", 9)));
  CHECK(labels(*data) == std::vector<int>{0x4d, 5});
  CHECK(pixel(data->image(1), 0, 0, 1) == 89);
}

TEST_CASE("commas in a name that exists") {
  const Folder folder;
  CHECK(Dataset::open(folder.write("a,b.bin", cifar10(2)))->rows() == 2);
}

TEST_CASE("CIFAR rows that look like an IDX header stay CIFAR") {
  const Folder folder;
  Bytes bytes = cifar10(1);
  bytes.replace(0, 4, Bytes("\0\0\x08\x03", 4));
  CHECK(Dataset::open(folder.write("x.bin", bytes))->rows() == 1);
}

TEST_CASE("skip and limit choose rows; names keep their place in the file") {
  const Folder folder;
  const std::string file = folder.write("data_batch_1.bin", cifar10(9));
  DatasetOptions options;
  options.skip = 4;
  options.limit = 3;
  const auto data = Dataset::open(file, options);
  CHECK(labels(*data) == std::vector<int>{4, 5, 6});
  CHECK(data->name(0) == "data_batch_1.bin[4]");
  CHECK(pixel(data->image(0), 0, 0, 0) == 4);
  options.limit = 100;
  CHECK(Dataset::open(file, options)->rows() == 5);
  for (const std::int64_t row : {-1, 3})
    CHECK(error_of([&] { data->label(row); }).find("expected 0 to 2") != std::string::npos);
  const auto refuses = [&](std::int64_t skip, std::int64_t limit) {
    return is_one_line(error_of([&] { Dataset::open(file, {skip, limit}); }));
  };
  CHECK(refuses(9, -1));
  CHECK(refuses(-1, -1));
  CHECK(refuses(0, 0));
  CHECK(refuses(0, -2));
}

TEST_CASE("real CIFAR-10") {
  const char* shared = std::getenv("SIDENET_SHARED");
  if (shared == nullptr || *shared == '\0') {
    MESSAGE("SIDENET_SHARED is not set: skipped");
    return;
  }
  const auto data = Dataset::open(std::string(shared) + "/datasets/cifar10/test_batch.bin");
  REQUIRE(data->rows() == 10000);
  std::vector<int> counts(10);
  for (const int label : labels(*data)) ++counts.at(static_cast<std::size_t>(label));
  CHECK(counts == std::vector<int>(10, 1000));
  CHECK(data->label(0) == 3);  // a cat
  CHECK(data->name(9999) == "test_batch.bin[9999]");
  CHECK(data->image(9999).shape() == Shape{32, 32, 3});
  CHECK(Dataset::open(std::string(shared) + "/datasets/cifar10")->rows() == 14000);
}

TEST_CASE("real Fashion-MNIST") {
  const std::string folder =
      "/usr/share/datasets/fashion-mnist/";  // Debian's dataset-fashion-mnist
  if (!fs::exists(folder + "t10k-labels-idx1-ubyte.gz")) {
    MESSAGE("Fashion-MNIST is not installed: skipped");
    return;
  }
  const auto data =
      Dataset::open(folder + "t10k-images-idx3-ubyte.gz," + folder + "t10k-labels-idx1-ubyte.gz");
  REQUIRE(data->rows() == 10000);
  std::vector<int> counts(10);
  for (const int label : labels(*data)) ++counts.at(static_cast<std::size_t>(label));
  CHECK(counts == std::vector<int>(10, 1000));
  CHECK(data->image(9999).shape() == Shape{28, 28, 1});
}
