#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cstdlib>

#include "image_files.h"
#include "sidenet/dataset.h"

using namespace sidenet;

namespace {

using Strings = std::vector<std::string>;

/// Empty where there is no shared data.
std::string datasets() {
  const char* shared = std::getenv("SIDENET_SHARED");
  if (shared == nullptr || *shared == '\0') {
    MESSAGE("SIDENET_SHARED is not set: skipped");
    return "";
  }
  return std::string(shared) + "/datasets/";
}

struct Expected {
  const char* file;
  std::int64_t rows;
  Strings classes;
  std::vector<int> counts;  // of each class
  const char* note;
  TextEncoding encoding = TextEncoding::utf8;
};

const Strings kTopics{"Business", "Sci/Tech", "Sports", "World"};
const Strings kQuestions{"ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM"};
const char* const kHeader = "header; text column 'sentence', label column 'label'";
const char* const kNoHeader = "no header; text column 1, label column 2";
const char* const kTrec = "TREC's lines (LABEL:detail text)";

}  // namespace

TEST_CASE("real SST-2, AG News and TREC: every guess is right, every row is read") {
  const std::string folder = datasets();
  if (folder.empty()) return;
  const std::vector<Expected> all{
      {"sst2/dev.tsv", 872, {"0", "1"}, {428, 444}, kHeader},
      {"sst2/train.tsv", 60614, {"0", "1"}, {26786, 33828}, kHeader},
      {"sst2/train_heldout.tsv", 6735, {"0", "1"}, {2994, 3741}, kHeader},
      {"sst2/sentences_dev.tsv", 872, {"0", "1"}, {428, 444}, kNoHeader},
      {"sst2/sentences_test.tsv", 1821, {"0", "1"}, {912, 909}, kNoHeader},
      {"sst2/sentences_train.tsv", 6920, {"0", "1"}, {3310, 3610}, kNoHeader},
      {"agnews/train_10k.tsv",
       10001,
       kTopics,
       {2496, 2538, 2458, 2509},
       "quotes enclose cells; no header; text column 1, label column 2"},
      {"agnews/test.csv",
       7600,
       {"1", "2", "3", "4"},
       {1900, 1900, 1900, 1900},
       "no header; text columns 2 and 3, label column 1"},
      {"trec/TREC.test", 500, kQuestions, {9, 138, 94, 65, 81, 113}, kTrec},
      {"trec/TREC.train",
       5452,
       kQuestions,
       {86, 1162, 1250, 1223, 835, 896},
       kTrec,
       TextEncoding::latin1},
  };
  for (const Expected& expected : all) {
    CAPTURE(expected.file);
    DatasetOptions options;
    options.columns.encoding = expected.encoding;
    const auto data = Dataset::open(folder + expected.file, options);
    CHECK(data->rows() == expected.rows);
    CHECK(data->class_names() == expected.classes);
    CHECK(data->notes() == Strings{folder + expected.file + ": " + expected.note});
    std::vector<int> counts(expected.classes.size());
    bool all_have_text = true;
    for (std::int64_t row = 0; row < data->rows(); ++row) {
      ++counts.at(static_cast<std::size_t>(data->label(row)));
      all_have_text = all_have_text && !data->text(row).first.empty();
    }
    CHECK(counts == expected.counts);
    CHECK(all_have_text);
  }
}

TEST_CASE("real rows: the first, the last, quotes, Latin-1") {
  const std::string folder = datasets();
  if (folder.empty()) return;
  const auto dev = Dataset::open(folder + "sst2/dev.tsv");
  CHECK(dev->text(0).first == "it 's a charming and often affecting journey . ");
  CHECK(dev->name(0) == "dev.tsv:2");
  CHECK(dev->name(871) == "dev.tsv:873");
  const auto news = Dataset::open(folder + "agnews/test.csv");
  CHECK(news->text(0).first ==
        "Fears for T N pension after talks Unions representing workers at Turner   Newall say they "
        "are 'disappointed' after "
        "talks with stricken parent firm Federal Mogul.");
  CHECK(news->class_names()[static_cast<std::size_t>(news->label(0))] == "3");
  const std::string trec = folder + "trec/TREC.train";
  CHECK(files::error_of([&] { Dataset::open(trec); }) ==
        trec +
            ":66: invalid UTF-8 at byte 60 of the line; give --encoding latin-1 or windows-1252 "
            "if it is one of them");
  DatasetOptions options;
  options.columns.encoding = TextEncoding::latin1;
  CHECK(Dataset::open(trec, options)->text(65).first ==
        "Which city has the oldest relationship as a sister\xc3\xb0"
        "city with Los Angeles ?");
  const auto both = Dataset::open(folder + "sst2/train.tsv," + folder + "sst2/train_heldout.tsv");
  CHECK(both->rows() == 60614 + 6735);
}
