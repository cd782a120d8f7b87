#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "class_names.h"
#include "image_files.h"
#include "joined_dataset.h"
#include "sidenet/dataset.h"
#include "sidenet/error.h"
#include "text_encoding.h"
#include "utf8_text.h"

using namespace sidenet;
using namespace files;

namespace {

using Strings = std::vector<std::string>;

struct Opened {
  Strings texts, seconds, labels, names, notes;
};

/// Rows as strings; notes without the folder's path.
Opened open(const Folder& folder, const std::string& spec, const TextColumns& columns = {}) {
  DatasetOptions options;
  options.columns = columns;
  const auto data = Dataset::open(spec, options);
  CHECK(data->kind() == Dataset::Kind::texts);
  Opened opened;
  for (std::int64_t row = 0; row < data->rows(); ++row) {
    const Text text = data->text(row);
    opened.texts.push_back(text.first);
    if (text.second) opened.seconds.push_back(*text.second);
    opened.labels.push_back(data->class_names().at(static_cast<std::size_t>(data->label(row))));
    opened.names.push_back(data->name(row));
  }
  for (const std::string& note : data->notes()) {
    CHECK(note.rfind(folder.path + "/", 0) == 0);
    opened.notes.push_back(note.substr(folder.path.size() + 1));
  }
  return opened;
}

Opened open(const std::string& name, const Bytes& bytes, const TextColumns& columns = {}) {
  const Folder folder;
  return open(folder, folder.write(name, bytes), columns);
}

TextColumns columns(const std::string& text, const std::string& label,
                    const std::string& pair = "") {
  TextColumns result;
  result.text = text;
  result.label = label;
  result.pair = pair;
  return result;
}

std::string refusal(const std::string& name, const Bytes& bytes, const TextColumns& columns = {}) {
  const Folder folder;
  const std::string path = folder.write(name, bytes);
  const std::string message = error_of([&] { open(folder, path, columns); });
  CHECK(is_one_line(message));
  return message;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("tsv: quotes in texts, names count physical lines, empty lines are passed over") {
  const Opened data = open("x.tsv", "sentence\tlabel\n\"a\" film\t1\n\n it 's \"bad \t0\n");
  CHECK(data.texts == Strings{"\"a\" film", " it 's \"bad "});
  CHECK(data.labels == Strings{"1", "0"});
  CHECK(data.names == Strings{"x.tsv:2", "x.tsv:4"});
  CHECK(data.notes == Strings{"x.tsv: header; text column 'sentence', label column 'label'"});
  CHECK(data.seconds.empty());
}

TEST_CASE("CRLF, a byte order mark, no line end at the end: the same rows; also packed") {
  const Folder folder;
  const Bytes lines = "\xef\xbb\xbfsentence\tlabel\r\na film\t1\r\n\r\nb film\t0";
  for (const std::string& path :
       {folder.write("x.tsv", lines), folder.write("x.tsv.gz", gzip(lines)),
        folder.write("X.TSV.GZ", gzip(lines))}) {
    CAPTURE(path);
    const Opened data = open(folder, path);
    CHECK(data.texts == Strings{"a film", "b film"});
    CHECK(data.labels == Strings{"1", "0"});
    CHECK(data.names[1] == path.substr(folder.path.size() + 1) + ":4");
    CHECK(has(data.notes[0], "header; text column 'sentence', label column 'label'"));
  }
}

TEST_CASE("csv: RFC 4180's quotes, commas and line ends inside them") {
  const Opened data =
      open("x.csv",
           "label,text\r\n1,\"a \"\"fine\"\" film, \r\nsaid one\"\r\n\"2\",a film of 5\" or so\r\n"
           "1,\"\"\"\"\"\"\r\n");
  CHECK(data.texts == Strings{"a \"fine\" film, \r\nsaid one", "a film of 5\" or so", "\"\""});
  CHECK(data.labels == Strings{"1", "2", "1"});
  CHECK(data.names == Strings{"x.csv:2", "x.csv:4", "x.csv:5"});
}

TEST_CASE("jsonl: strings, numbers and booleans; other keys and their values are passed over") {
  const Opened data =
      open("x.jsonl",
           "{\"text\": \"caf\\u00e9 \\n \\\"b\\\"\", \"id\": [1, {\"text\": 2}], \"label\": 3}\n"
           "{\"label\": true, \"text\": 1.50, \"more\": null}\r\n\n"
           "{\"label\": -7, \"text\": \"x\", \"id\": {\"label\": 1}}");
  CHECK(data.texts == Strings{"caf\xc3\xa9 \n \"b\"", "1.50", "x"});
  CHECK(data.labels == Strings{"3", "true", "-7"});
  CHECK(data.names == Strings{"x.jsonl:1", "x.jsonl:2", "x.jsonl:4"});
  CHECK(data.notes == Strings{"x.jsonl: text column 'text', label column 'label'"});
  const Opened chosen =
      open("x.jsonl", "{\"q\": \"why\", \"a\": \"so\", \"y\": \"no\"}", columns("q", "3", "a"));
  CHECK(chosen.texts == Strings{"why"});
  CHECK(chosen.seconds == Strings{"so"});
  CHECK(chosen.labels == Strings{"no"});
  CHECK(chosen.notes.empty());
}

TEST_CASE("TREC's lines and tabs are found where the name says nothing") {
  const Opened data =
      open("TREC.test", "NUM:dist How far is it ?\nHUM:desc Who : he ?\nNUM:date When ?\n");
  CHECK(data.texts == Strings{"How far is it ?", "Who : he ?", "When ?"});
  CHECK(data.labels == Strings{"NUM", "HUM", "NUM"});
  CHECK(data.notes == Strings{"TREC.test: TREC's lines (LABEL:detail text)"});
  const Opened tabs = open("data.txt", "see http://x.y now\t1\nand: then\t0\n");
  CHECK(tabs.texts == Strings{"see http://x.y now", "and: then"});
  CHECK(tabs.notes ==
        Strings{"data.txt: cells between tabs; no header; text column 1, label column 2"});
  CHECK(open("noname.gz", gzip("NUM:dist How far ?\n")).labels == Strings{"NUM"});
}

TEST_CASE("classes are sorted, by value where all are integers") {
  const Folder folder;
  const auto classes = [&](const Bytes& bytes) {
    return Dataset::open(folder.write("x.tsv", "label\ttext\n" + bytes))->class_names();
  };
  CHECK(classes("10\ta\n9\tb\n-1\tc\n9\td\n") == Strings{"-1", "9", "10"});
  CHECK(classes("10\ta\n9\tb\nx\tc\n") == Strings{"10", "9", "x"});
  CHECK(classes("10.0\ta\n9.0\tb\n9\tc\n01\td\n") == Strings{"1", "9", "10"});
  CHECK(classes("1.5\ta\n10\tb\n9.0\tc\n") == Strings{"1.5", "10", "9.0"});
  CHECK(classes("World \ta\nSci/Tech\tb\nWorld\tc\n") == Strings{"Sci/Tech", "World"});
  CHECK(integer_name("17") == 17);
  for (const char* name : {"", "01", "+1", "1.0", "1 ", "-", "99999999999999999999"})
    CHECK(!integer_name(name));
  for (const char* name : {"1", "01", "+1", "1.0", "1.", "1.000"}) CHECK(whole_number(name) == 1);
  CHECK(whole_number("-3.0") == -3);
  for (const char* name :
       {"", "1.5", "1 ", "-", "+", ".", ".0", "+-1", "1.0.0", "1e3", "0x1", "nan"})
    CHECK(!whole_number(name));
}

TEST_CASE("header or not") {
  const auto note = [](const Bytes& bytes) { return open("x.tsv", bytes).notes.at(0); };
  CHECK(has(note("one long string of cliches\t0\na film\t1\n"),
            "no header; text column 1, label column 2"));
  CHECK(has(note("fine\t0\ngood film\t1\nbad film\t0\n"), "no header"));
  CHECK(has(note("Class Index\tTitle\tDescription\n1\tshort title\tthe text\n2\ttitle\ttext\n"),
            "header; text columns 'Title' and 'Description', label column 'Class Index'"));
  // Unusual names: a header where the label of line 1 is on no other line.
  CHECK(has(note("phrase\tmood\ngood film\tpos\nbad film\tneg\nold film\tneg\nnew film\tpos\n"),
            "header; text column 'phrase', label column 'mood'"));
  CHECK(has(note("fine\tpos\ngood film\tpos\nbad film\tneg\nold film\tneg\nnew film\tpos\n"),
            "no header"));
  // Labels that are each on one line tell nothing.
  CHECK(open("x.tsv", "fine\tpos\nbad film\tneg\nold film\tmixed\n", columns("1", "2"))
            .texts.size() == 3);
  // Names that the caller gives make the line that has them a header.
  CHECK(open("x.tsv", "aa\tbb\nyes\tno\n", columns("bb", "aa")).texts == Strings{"no"});
}

TEST_CASE("guesses: label by few short values, text by words, a title joined to its text") {
  Bytes rows, ids;
  for (int i = 0; i < 60; ++i) {
    const std::string number = std::to_string(i);
    rows += "\"" + std::to_string(1 + i % 4) + "\",\"title " + number +
            "\",\"a far longer text, the description of number " + number + "\"\n";
    ids +=
        "id" + number + "\t" + (i % 3 == 0 ? "spam" : "ham") + "\tmessage number " + number + "\n";
  }
  const Opened news = open("test.csv", rows);
  CHECK(news.notes == Strings{"test.csv: no header; text columns 2 and 3, label column 1"});
  CHECK(news.texts[5] == "title 5 a far longer text, the description of number 5");
  CHECK(news.labels[5] == "2");
  CHECK(open("x.tsv", ids).notes == Strings{"x.tsv: no header; text column 3, label column 2"});
  // One word a text: the column that is left.
  CHECK(open("x.tsv", "aa\t1\nbb\t0\ncc\t1\ndd\t1\n").notes ==
        Strings{"x.tsv: no header; text column 1, label column 2"});
  CHECK(has(open("x.tsv", "text\tsource\tlabel\na b\tweb\t1\nc d\tweb\t0\n").notes[0],
            "text column 'text', label column 'label'"));
}

TEST_CASE("guesses that are not clear: the columns are listed") {
  const std::string two =
      refusal("x.tsv", "a long text\tanother text\t1\none more text\tand this text\t0\n");
  CHECK(has(two,
            "x.tsv: which column is the text is not clear: give --text-column and --label-column"));
  CHECK(has(two, "1 ('a long text'), 2 ('another text'), 3 ('1')"));
  CHECK(has(refusal("x.tsv", "a\tb\tc\td\te\tf\n"), "5 ('e'), … (6)"));
  CHECK(has(refusal("x.tsv", "sentence1\tsentence2\tlabel\na b\tc d\t1\n"),
            "1 'sentence1', 2 'sentence2', 3 'label'"));
  CHECK(has(refusal("x.tsv", "question\tanswer\tlabel\na b\tc d\t1\n"), "the text is not clear"));
  CHECK(has(refusal("x.tsv", "a text\t1\tx\nb text\t0\ty\n"), "the label is not clear"));
  CHECK(has(refusal("x.tsv", "just a text\nand another\n"), "the label is not clear"));
}

TEST_CASE("columns by name and number, several joined, pairs") {
  const Bytes lines = "id\tq,a\tanswer\tlabel\n1\twhy not\tso\tyes\n";
  CHECK(open("x.tsv", "id\tq\ta\tlabel\n1\twhy not\tso\tyes\n", columns("2,a", "4")).texts ==
        Strings{"why not so"});
  CHECK(open("x.tsv", lines, columns("q,a", "label")).texts ==
        Strings{"why not"});  // a name with a comma
  const Opened pair = open("x.tsv", lines, columns("q,a", "id", "answer"));
  CHECK(pair.seconds == Strings{"so"});
  CHECK(pair.labels == Strings{"1"});
  CHECK(pair.notes ==
        Strings{"x.tsv: header; text column 'q,a', pair column 'answer', label column 'id'"});
  CHECK(open("x.csv", "1,2\n3,4\n", columns("2", "1")).texts ==
        Strings{"2", "4"});  // numbers are no header
}

TEST_CASE("several files are joined; each has its own lines and the same header") {
  const Folder folder;
  const std::string one = folder.write("one.tsv", "text\tlabel\na b\tx\nb c\ty\n");
  const std::string two = folder.write("two.tsv.gz", gzip("text\tlabel\n\nc d\tw\n"));
  const Opened data = open(folder, one + "," + two);
  CHECK(data.texts == Strings{"a b", "b c", "c d"});
  CHECK(data.labels == Strings{"x", "y", "w"});
  CHECK(data.names == Strings{"one.tsv:2", "one.tsv:3", "two.tsv.gz:3"});
  const std::string bare = folder.write("bare.tsv", "some text\tx\n");
  CHECK(has(error_of([&] { Dataset::open(one + "," + bare); }),
            "bare.tsv:1: expected the header of"));
  CHECK(has(error_of([&] { Dataset::open(bare + "," + one); }),
            "one.tsv:1: expected no header, as in"));
  const std::string other = folder.write("other.csv", "text,label\na b,x\n");
  CHECK(has(error_of([&] { Dataset::open(one + "," + other); }),
            "other.csv: expected the format of"));
  const std::string image = folder.write("x.bin", cifar10(1));
  CHECK(has(error_of([&] { Dataset::open(one + "," + image); }), "x.bin: expected texts"));
}

TEST_CASE("UTF-8: what RFC 3629 allows and what not") {
  for (const Bytes& good : {Bytes("plain"), Bytes("\xc2\x80 \xdf\xbf"),
                            Bytes("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"),
                            Bytes("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), Bytes("a\0b", 3)}) {
    CHECK(valid_utf8_prefix(good) == good.size());
  }
  for (const Bytes& bad :
       {Bytes("\x80"), Bytes("\xc0\x80"), Bytes("\xc1\xbf"), Bytes("\xc2"), Bytes("\xe0\x9f\xbf"),
        Bytes("\xed\xa0\x80"), Bytes("\xe1\x80"), Bytes("\xf0\x8f\xbf\xbf"),
        Bytes("\xf4\x90\x80\x80"), Bytes("\xf5\x80\x80\x80"), Bytes("\xff"),
        Bytes("\xe1\x80"
              "a")}) {
    for (const std::size_t before : {0, 3, 8, 13})
      CHECK(valid_utf8_prefix(Bytes(before, 'x') + bad) == before);
  }
}

TEST_CASE("skip and limit keep kind, names, notes and texts") {
  const Folder folder;
  DatasetOptions options;
  options.skip = 1;
  options.limit = 1;
  const auto data =
      Dataset::open(folder.write("x.tsv", "text\tlabel\na b\tx\nb c\ty\nc d\tz\n"), options);
  CHECK(data->rows() == 1);
  CHECK(data->kind() == Dataset::Kind::texts);
  CHECK(data->text(0).first == "b c");
  CHECK(data->name(0) == "x.tsv:3");
  CHECK(data->label(0) == 1);
  CHECK(data->class_names().size() == 3);
  CHECK(data->notes().size() == 2);  // the columns, and the rows
  CHECK(has(error_of([&] { data->text(1); }), "row: expected 0 to 0"));
  CHECK(has(error_of([&] { data->image(0); }), "x.tsv:3: expected an image, got a text"));
}

TEST_CASE("images have no text") {
  const Folder folder;
  const auto data = Dataset::open(folder.write("x.bin", cifar10(1)));
  CHECK(data->kind() == Dataset::Kind::images);
  CHECK(data->notes().empty());
  CHECK(error_of([&] { data->text(0); }) == "x.bin[0]: expected a text, got an image");
}

TEST_CASE("joined data sets hand texts on") {
  const Folder folder;
  const auto one = Dataset::open(folder.write("one.tsv", "text\tlabel\na b\tx\nb c\ty\n"));
  const auto two = Dataset::open(folder.write("two.tsv", "text\tlabel\nc d\tx\n"));
  const JoinedDataset joined({one, two}, {5, 6, 7}, 1);
  CHECK(joined.kind() == Dataset::Kind::texts);
  CHECK(joined.rows() == 2);
  CHECK(joined.text(1).first == "c d");
  CHECK(joined.name(0) == "one.tsv:3");
  CHECK(joined.notes().size() == 2);
  const auto images = Dataset::open(folder.write("x.bin", cifar10(1)));
  CHECK(has(error_of([&] {
              JoinedDataset({one, images}, {1, 2, 3}, 0);
            }),
            "x.bin[0]: expected texts, as in one.tsv:2"));
}

TEST_CASE(
    "rows without labels: a label column is left aside where it is clear, and need not be there") {
  const Folder folder;
  DatasetOptions options;
  options.labelled = false;
  const auto texts = [&](const std::string& name, const std::string& text) {
    const auto data = Dataset::open(folder.write(name, text), options);
    CHECK(data->class_names().empty());
    Strings all;
    for (std::int64_t row = 0; row < data->rows(); ++row) {
      CHECK(data->label(row) == 0);
      all.push_back(data->text(row).first);
    }
    return all;
  };
  const Strings two{"what a lovely film", "a waste of an evening"};
  CHECK(texts("log.txt", "what a lovely film\na waste of an evening\n") == two);
  CHECK(texts("one.tsv", "sentence\nwhat a lovely film\na waste of an evening\n") == two);
  CHECK(texts("both.tsv", "sentence\tlabel\nwhat a lovely film\t1\na waste of an evening\t0\n") ==
        two);
  CHECK(texts("both.jsonl",
              "{\"text\": \"what a lovely film\"}\n{\"text\": \"a waste of an evening\"}\n") ==
        two);
  options.columns.label = "label";  // of the labelled data: not here
  CHECK(texts("other.tsv", "sentence\nwhat a lovely film\na waste of an evening\n") == two);
  CHECK_THROWS_AS(texts("bad.txt", "what a lovely film\na waste\tof an evening\n"), Error);
}
