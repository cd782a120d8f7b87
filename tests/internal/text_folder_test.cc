// Class folders of .txt files: a file is one text.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "image_decode.h"
#include "image_files.h"
#include "sidenet/dataset.h"
#include "sidenet/error.h"

using namespace sidenet;
using namespace files;

namespace {

using Strings = std::vector<std::string>;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// One pixel of 24 bits.
Bytes bmp() {
  Bytes bytes(58, '\0');
  bytes.replace(0, 2, "BM");
  for (const auto& [at, value] :
       {std::pair(2, 58), {10, 54}, {14, 40}, {18, 1}, {22, 1}, {26, 1}, {28, 24}})
    bytes[static_cast<std::size_t>(at)] = static_cast<char>(value);
  return bytes;
}

/// As the reviews of IMDB lie.
void write_reviews(const Folder& folder) {
  folder.write("pos/0_9.txt", "A good film.<br />\nIndeed.");
  folder.write("pos/10_7.TXT", "\xef\xbb\xbf\xc3\xa9");
  folder.write("pos/.hidden.txt", "x");
  folder.write("neg/sub/1_2.txt", "A bad film.");
  folder.write("neg/README.md", "x");
  folder.write("unsup/0_0.txt", "Unseen.");
  folder.write("README.txt", "x");
  folder.write("labeledBow.feat", "x");
}

}  // namespace

TEST_CASE("folders are classes, a file is one text") {
  const Folder folder;
  write_reviews(folder);
  const auto data = Dataset::open(folder.path + "/");
  CHECK(data->kind() == Dataset::Kind::texts);
  CHECK(data->class_names() == Strings{"neg", "pos"});
  REQUIRE(data->rows() == 3);
  CHECK(data->name(0) == "neg/sub/1_2.txt");
  CHECK(data->text(1).first == "A good film.<br />\nIndeed.");
  CHECK(data->text(2).first == "\xc3\xa9");
  CHECK(data->label(0) == 0);
  CHECK(data->label(2) == 1);
  REQUIRE(data->notes().size() == 3);
  CHECK(has(data->notes()[0], "skipped .md (1 file in 1 folder)"));
  CHECK(has(data->notes()[1], "unsup: left out, as texts of this name have no label: 1 text"));
  CHECK(has(data->notes()[2], "1 text beside the class folders"));
  CHECK(Dataset::files(folder.path).size() == 3);
}

TEST_CASE("without labels: all texts below the folder") {
  const Folder folder;
  write_reviews(folder);
  CHECK(Dataset::open(folder.path, {.labelled = false})->rows() == 5);
  CHECK(texts_below(folder.path).paths.size() == 5);
  const Folder empty;
  CHECK(has(error_of([&] { texts_below(empty.path); }), "a folder without .txt files"));
}

TEST_CASE("blank and broken files") {
  const Folder folder;
  write_reviews(folder);
  folder.write("pos/2.txt", " \n");
  CHECK(has(error_of([&] { Dataset::open(folder.path); }), "--drop-empty"));
  DatasetOptions options;
  options.columns.drop_empty = true;
  CHECK(Dataset::open(folder.path, options)->left_out() == 1);
  folder.write("neg/3.txt", "caf\xe9");
  CHECK(has(error_of([&] { Dataset::open(folder.path, options); }), "3.txt:1: invalid UTF-8"));
  options.columns.encoding = TextEncoding::latin1;
  CHECK_THROWS_AS(Dataset::open(folder.path, options)->text(0).first.at(100), std::out_of_range);
  const auto data = Dataset::open(folder.path, {.skip_broken = true});
  CHECK(data->left_out() == 2);
  CHECK(data->rows() == 3);
  CHECK(has(data->notes().back(), "1 row without a text left out, the first: pos/2.txt"));
}

TEST_CASE("pictures and texts are not mixed, splits are no classes") {
  const Folder mixed;
  write_reviews(mixed);
  mixed.write("fun/x.png", "x");
  const std::string message = error_of([&] { Dataset::open(mixed.path); });
  CHECK(has(message, std::string("expected ") + picture_formats() +
                         " files in a class folder, got others alone"));
  const Folder others;  // pictures that are not read, beside a note
  others.write("cat/1.gif", "x");
  others.write("cat/note.txt", "x");
  CHECK(has(error_of([&] { Dataset::open(others.path); }), "got others alone: .gif (1 file in 1 "));
  const Folder splits;
  splits.write("train/pos/1.txt", "a");
  splits.write("train/neg/1.txt", "a");
  splits.write("test/pos/1.txt", "a");
  CHECK(has(error_of([&] { Dataset::open(splits.path); }), "give one, " + splits.path + "/test"));
}

TEST_CASE("pictures that do not decode are left out where that is asked for") {
  const Folder folder;
  folder.write("a/1.bmp", bmp());
  folder.write("a/2.bmp", "BM");
  folder.write("b/1.bmp", bmp());
  const auto data = Dataset::open(folder.path, {.skip_broken = true});
  CHECK(data->rows() == 2);
  CHECK(data->name(1) == "b/1.bmp");
  CHECK(has(data->notes().back(), "1 row that cannot be read left out, the first: "));
}
