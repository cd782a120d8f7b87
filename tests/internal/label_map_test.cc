// How the data's classes are taken for a model's.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "label_map.h"

#include <doctest/doctest.h>

#include "image_files.h"
#include "quarters.h"
#include "sidenet/dataset.h"
#include "sidenet/error.h"

using namespace sidenet;
using namespace files;
using sidenet::testing::Quarters;

namespace {

using Strings = std::vector<std::string>;
using Classes = std::vector<int>;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Rows of texts with these labels, each written as it is, opened under `name`.
std::shared_ptr<const Dataset> texts(const Folder& folder, const Strings& labels,
                                     LabelsFrom from = LabelsFrom::automatic,
                                     const std::string& name = "x.tsv") {
  Bytes lines = "text\tlabel\n";
  for (const std::string& label : labels) lines += "a text\t" + label + "\n";
  return Dataset::open(folder.write(name, lines), {.labels_from = from});
}

LabelMap map(const Strings& labels, const Strings& model, LabelsFrom from = LabelsFrom::automatic,
             const Strings& trained = {}) {
  const Folder folder;
  return map_labels(*texts(folder, labels, from), {model, trained});
}

Classes classes(const Strings& labels, const Strings& model,
                LabelsFrom from = LabelsFrom::automatic, const Strings& trained = {}) {
  return map(labels, model, from, trained).of_rows;
}

std::string refusal(const Strings& labels, const Strings& model,
                    LabelsFrom from = LabelsFrom::automatic, const Strings& trained = {}) {
  const std::string message = error_of([&] { map(labels, model, from, trained); });
  CHECK(is_one_line(message));
  CHECK(message.size() < 250);
  return message;
}

/// Class folders: data of images with names.
LabelMap folders(const Strings& names, const Strings& model) {
  return map_labels(Quarters(4, 1, names), {model});
}

Strings numbers(int first, int last) {
  Strings all;
  for (int i = first; i <= last; ++i) all.push_back(std::to_string(i));
  return all;
}

const Strings kNews{"World", "Sports", "Business", "Sci/Tech"};

}  // namespace

TEST_CASE("labels by name") {
  CHECK(classes({"Sports", "World", "Sci/Tech"}, kNews) == Classes{1, 0, 3});
  CHECK(classes({"sports", "WORLD"}, kNews) == Classes{1, 0});
  CHECK(classes({"a", "A"}, {"A", "a"}) == Classes{1, 0});  // exact before similar
  CHECK(classes({" Sports ", "World"}, {"World ", "Sports"}) == Classes{1, 0});
  CHECK(classes({"2", "0"}, {"2", "1", "0"}) == Classes{0, 2});
  CHECK(classes({"2.0", "3.0"}, {"01", "02", "03"}) == Classes{1, 2});
  CHECK(map({"2", "1"}, {"1", "2", "3"}).notes.empty());
  CHECK(map({"World"}, kNews).data_labels.empty());
  CHECK(has(refusal({"World", "Politics"}, kNews),
            "the data's class 'Politics' is not one of the model's labels"));
  CHECK(has(refusal({"world"}, {"World", "WORLD"}),
            "'world' stands for 2 classes of the model, 0 and 1"));
}

TEST_CASE("numbers that one reading fits") {
  const LabelMap zero = map({"3", "0", "2"}, kNews);
  CHECK(zero.of_rows == Classes{3, 0, 2});
  CHECK(zero.notes == Strings{"labels: the data's 0, 2, 3 (3), counted from 0, are taken for the "
                              "model's classes, World, Sports, Business, … (4)"});
  CHECK(zero.data_labels == Strings{"0", "", "2", "3"});
  const LabelMap one = map({"4", "1", "2"}, kNews);  // AG News
  CHECK(one.of_rows == Classes{3, 0, 1});
  CHECK(has(one.notes.at(0), "counted from 1"));
  CHECK(classes({"4.0", "1.0"}, kNews) == Classes{3, 0});
  CHECK(classes({"1", "2", "3"}, {"1 star", "2 stars", "3 stars"}) == Classes{0, 1, 2});
  CHECK(classes({"2", "1", "0"}, {"0", "1", "2"}) == Classes{2, 1, 0});
  CHECK(map({"2", "0"}, {"0", "1", "2"}).notes.empty());
  CHECK(classes({"2", "1", "3"}, {"0", "1", "2"}) == Classes{1, 0, 2});
}

TEST_CASE("LABEL_10 is class 10") {
  Strings labels;
  Classes expected;
  for (int i = 11; i >= 0; --i) {
    labels.push_back("LABEL_" + std::to_string(i));
    expected.push_back(i);
  }
  CHECK(classes(labels, numbers(0, 11)) == expected);
  CHECK(classes({"LABEL_1", "label_2"}, {"a", "b", "c"}) == Classes{1, 2});
  CHECK(has(refusal({"LABEL_3"}, {"a", "b", "c"}), "LABEL_3"));
}

TEST_CASE("numbers that may count from 0 or from 1 are refused; the option decides") {
  const std::string message = refusal({"2", "1"}, kNews);
  CHECK(has(message,
            "x.tsv:3: label '1' may be class 'Sports' (counted from 0) or 'World' (counted "
            "from 1)"));
  CHECK(has(message, "--labels-from 0 or --labels-from 1"));
  CHECK(classes({"2", "1"}, kNews, LabelsFrom::zero) == Classes{2, 1});
  CHECK(classes({"2", "1"}, kNews, LabelsFrom::one) == Classes{1, 0});
  CHECK(has(refusal({"1"}, {"a", "b", "c"}), "--labels-from"));
  // Labels that nobody named are no names.
  CHECK(has(refusal({"1", "2"}, {"0", "1", "2", "3"}), "--labels-from"));
  CHECK(has(refusal({"0", "1"}, kNews, LabelsFrom::one),
            "x.tsv:2: label: --labels-from 1 expects 1"));
  CHECK(has(refusal({"1", "4"}, kNews, LabelsFrom::zero), "expects 0 to 3, got '4'"));
  CHECK(has(refusal({"World"}, kNews, LabelsFrom::zero), "got 'World'"));
}

TEST_CASE("numbers that fit nowhere") {
  CHECK(has(refusal({"2", "3", "4"}, {"a", "b", "c"}), "x.tsv:4: label: expected"));
  CHECK(refusal({"0", "4", "7"}, kNews) ==
        "x.tsv:3: label: expected one of the model's, World, Sports, Business, … (4), or 0 to 3, "
        "or 1 to 4, got 4");
  CHECK(has(refusal({"1", "-1"}, kNews), "x.tsv:3: label: "));
  CHECK(has(refusal({"-1", "0", "1"}, {"a", "b", "c"}), "--labels-from sorted"));
  CHECK(classes({"-1", "0", "1"}, {"a", "b", "c"}, LabelsFrom::sorted) == Classes{0, 1, 2});
}

TEST_CASE("names on a model whose classes have none are refused; sorted, where it is said") {
  const std::string message = refusal({"world", "sports", "business"}, {"0", "1", "2"});
  CHECK(has(message, "--labels FILE"));
  CHECK(has(message, "--labels-from sorted"));
  CHECK(classes({"world", "sports", "business"}, {"0", "1", "2"}, LabelsFrom::sorted) ==
        Classes{2, 1, 0});
  CHECK(has(refusal({"world", "sports"}, {"0", "1", "2"}, LabelsFrom::sorted),
            "expected as many labels in the data as the model has classes, 3"));
}

TEST_CASE("class folders of numbers: sorted as text is a reading too") {
  Strings model;
  for (int i = 0; i < 12; ++i) model.push_back(std::string("class ") + static_cast<char>('a' + i));
  const std::string message = error_of([&] { folders(numbers(1, 12), model); });
  CHECK(is_one_line(message));
  CHECK(has(message, "(counted from 1)"));
  CHECK(has(message, "(sorted as text)"));
  CHECK(has(message, "--labels-from 1 or --labels-from sorted"));
  CHECK(has(error_of([&] { folders(numbers(0, 11), numbers(0, 11)); }), "--labels-from sorted"));
  // Those that count neither from 0 nor from 1 have an order by value as well.
  const std::string elsewhere = error_of([&] { folders(numbers(2, 13), model); });
  CHECK(has(elsewhere, "(sorted as text)"));
  CHECK(has(elsewhere, "(sorted by value)"));
  CHECK(has(elsewhere, "--labels-from sorted or the names to import (--labels)"));
  CHECK(folders(numbers(2, 5), kNews).of_rows[1] == 3);
  // Folders that are not here counted when the model was trained.
  CHECK(has(error_of([&] { folders(numbers(0, 3), model); }),
            "(counted from 0) or 'class e' (sorted as text)"));
  CHECK(folders({"00", "01", "02", "03"}, model).of_rows[1] == 3);
  // Up to nine they are the same; with zeros in front, too; and of texts pandas sorts by value.
  CHECK(folders(numbers(0, 3), kNews).of_rows[1] == 3);
  CHECK(folders({"01", "02", "03", "04"}, kNews).of_rows[1] == 3);
  CHECK(classes(numbers(1, 12), model) == Classes{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  // The labels of a model that was trained on such folders.
  Strings sorted{"1", "10", "11", "12", "2", "3", "4", "5", "6", "7", "8", "9"};
  CHECK(folders(sorted, sorted).of_rows[1] == 3);
  // Or that somebody gave, though they are 0, 1, …
  CHECK(map_labels(Quarters(4, 1, numbers(0, 11)), {numbers(0, 11), {}, true}).of_rows[1] == 3);
}

TEST_CASE("class folders by name") {
  const Strings named{"d", "a", "c", "b"};
  CHECK(folders(named, {"a", "b", "c", "d"}).of_rows[1] == 1);
  CHECK(folders(named, {"x", "d", "c", "b", "a"}).of_rows[1] == 3);
  CHECK(has(error_of([&] { folders(named, {"0", "1", "2", "3"}); }), "--labels-from sorted"));
  CHECK(error_of([&] {
          folders(named, {"a", "b", "x", "d"});
        }) ==
        "labels: the data's class 'c' is not one of the model's labels: expected a, b, x, … (4), "
        "got a, b, c, … (4)");
  CHECK_THROWS_AS(folders(named, {"0", "1", "2", "3", "4"}), Error);
  CHECK_THROWS_AS(folders(named, {"a", "b", "c", "d", "d"}), Error);
}

TEST_CASE("data without names gives classes") {
  CHECK(folders({}, {"a", "b", "c", "d"}).of_rows[1] == 3);
  CHECK(has(error_of([&] {
              folders({}, {"a", "b", "c"});
            }),
            "label 3 does not fit the model: expected 0 to 2; give --labels-from 1"));
}

TEST_CASE("one numbering for all data of a run") {
  const Folder folder;
  const auto low = texts(folder, {"1", "2"}, LabelsFrom::automatic, "low.tsv");
  const auto high = texts(folder, {"4", "3"}, LabelsFrom::automatic, "high.tsv");
  const auto zero = texts(folder, {"0"}, LabelsFrom::automatic, "zero.tsv");
  const auto said = texts(folder, {"1"}, LabelsFrom::one, "said.tsv");
  const auto mapped = [&](const std::vector<const Dataset*>& parts) {
    return map_labels(parts, {kNews});
  };
  const LabelMap both = mapped({low.get(), high.get()});
  CHECK(both.of_rows == Classes{0, 1, 3, 2});
  CHECK(both.notes.size() == 1);
  CHECK(mapped({low.get(), zero.get()}).of_rows == Classes{1, 2, 0});
  CHECK(has(error_of([&] { mapped({high.get(), zero.get()}); }), "high.tsv:2: label: expected"));
  CHECK(has(error_of([&] { mapped({low.get(), said.get()}); }), "labels_from"));
}

TEST_CASE("later data is taken as the training data was") {
  const Strings from_one{"1", "2", "3", "4"};
  CHECK(classes({"1", "2"}, kNews, LabelsFrom::automatic, from_one) == Classes{0, 1});
  CHECK(map({"1", "2"}, kNews, LabelsFrom::automatic, from_one).notes.empty());
  CHECK(classes({"2", "3"}, kNews, LabelsFrom::automatic, {"1", "2", "", ""}) == Classes{1, 2});
  const std::string message = refusal({"0", "1"}, kNews, LabelsFrom::automatic, from_one);
  CHECK(has(message,
            "label '1' is class 'Sports' (counted from 0), and training took it for 'World'"));
  CHECK(has(message, "--labels-from 0"));
  const LabelMap said = map({"0", "1"}, kNews, LabelsFrom::zero, from_one);
  CHECK(said.of_rows == Classes{0, 1});
  CHECK(has(said.notes.at(0), "not as in training"));
  // Names that were sorted then.
  CHECK(classes({"world"}, {"0", "1", "2"}, LabelsFrom::automatic,
                {"business", "sports", "world"}) == Classes{2});
}
