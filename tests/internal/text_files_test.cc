// Files as people have them: what pandas, spreadsheets, databases and the hub write.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "image_files.h"
#include "sidenet/dataset.h"
#include "sidenet/error.h"
#include "text_encoding.h"

using namespace sidenet;
using namespace files;

namespace {

using Strings = std::vector<std::string>;

struct Opened {
  Strings texts, labels, notes;
};

Opened open(const std::string& path, const TextColumns& columns = {}) {
  DatasetOptions options;
  options.columns = columns;
  const auto data = Dataset::open(path, options);
  Opened opened;
  for (std::int64_t row = 0; row < data->rows(); ++row) {
    opened.texts.push_back(data->text(row).first);
    opened.labels.push_back(data->class_names().at(static_cast<std::size_t>(data->label(row))));
  }
  opened.notes = data->notes();
  return opened;
}

Opened open(const std::string& name, const Bytes& bytes, const TextColumns& columns = {}) {
  const Folder folder;
  return open(folder.write(name, bytes), columns);
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void check_refused(const std::string& name, const Bytes& bytes, const Strings& parts,
                   const TextColumns& columns = {}) {
  const Folder folder;
  const std::string path = folder.write(name, bytes);
  const std::string message = error_of([&] { open(path, columns); });
  CAPTURE(message);
  CHECK(is_one_line(message));
  CHECK(has(message, name));
  CHECK(message.size() < 250 + folder.path.size());
  for (const std::string& part : parts) {
    CAPTURE(part);
    CHECK(has(message, part));
  }
}

TextColumns with(Quotes quotes) {
  TextColumns columns;
  columns.quotes = quotes;
  return columns;
}

}  // namespace

TEST_CASE("pandas' index column is no text, and its name no row") {
  const Opened plain = open("x.csv", ",text,label\n0,a film,pos\n1,b film,neg\n2,c film,pos\n");
  CHECK(plain.texts == Strings{"a film", "b film", "c film"});
  CHECK(plain.labels == Strings{"pos", "neg", "pos"});
  CHECK(
      open("x.csv", "Unnamed: 0.1,Unnamed: 0,text,label\n0,0,a film,pos\n1,1,b film,neg\n").texts ==
      Strings{"a film", "b film"});
  // A table without names has 0, 1, … for a header.
  const Opened counted = open("x.csv", ",0,1\n0,a film,1\n1,b film,0\n2,c film,1\n3,d film,0\n");
  CHECK(counted.texts == Strings{"a film", "b film", "c film", "d film"});
  CHECK(counted.labels == Strings{"1", "0", "1", "0"});
}

TEST_CASE("a header with punctuation, where its names are on no other line") {
  const Bytes rows = "good film,pos\nbad film,neg\nold film,neg\nnew film,pos\n";
  CHECK(open("x.csv", "Text:,label?\n" + rows).labels.size() == 4);
  CHECK(open("x.csv", "text,label (0/1)?\n" + rows).labels.size() == 4);
  CHECK(open("x.csv", "Review!,\"Mood, overall\"\n" + rows).labels.size() == 4);
  // A sentence is none.
  const Opened sentence =
      open("x.csv", "Such a fine film!,mixed\n" + rows, TextColumns{.text = "1", .label = "2"});
  CHECK(sentence.labels == Strings{"mixed", "pos", "neg", "neg", "pos"});
  // A row whose label has the name of a column is one.
  const Opened comments = open("x.csv",
                               "Great video!,comment\nWhat is it?,question\nMore of this,comment\n"
                               "How is it?,question\n");
  CHECK(comments.labels == Strings{"comment", "question", "comment", "question"});
}

TEST_CASE("tsv: quotes that enclose cells, as pandas writes them") {
  const Opened data = open("x.tsv",
                           "text\tlabel\n\"He said \"\"so\"\"\"\tpos\nplain\tneg\n"
                           "\"a tab\t or\t\ntwo\"\tpos\n");
  CHECK(data.texts == Strings{"He said \"so\"", "plain", "a tab\t or\t\ntwo"});
  CHECK(has(data.notes.at(0), "quotes enclose cells"));
  CHECK(open("x.tsv", "text\tlabel\n\"\"\"so\"\"\"\tpos\nplain\tneg\n").texts ==
        Strings{"\"so\"", "plain"});
  // All cells of a column, as csv.QUOTE_ALL and QUOTE_NONNUMERIC write them.
  CHECK(open("x.tsv", "\"text\"\t\"label\"\n\"a b\"\t0\n\"c d\"\t1\n").texts ==
        Strings{"a b", "c d"});
}

TEST_CASE("tsv: quotes that are text, as in GLUE's files") {
  // Cells that a writer of CSV would not have enclosed, or would not have left bare.
  CHECK(open("x.tsv", "text\tlabel\n\"a film\"\tpos\nb film\tneg\n").texts ==
        Strings{"\"a film\"", "b film"});
  CHECK(open("x.tsv", "text\tlabel\n\"a film\"\tpos\nHe said \"so\"\tneg\n").texts ==
        Strings{"\"a film\"", "He said \"so\""});
  CHECK(open("x.tsv", "text\tlabel\n\"a\", she said\tpos\nb\tneg\n").texts[0] == "\"a\", she said");
  CHECK(open("x.tsv", "text\tlabel\n\"never closed\tpos\nb film\tneg\n").texts[0] ==
        "\"never closed");
}

TEST_CASE("tsv: quotes that may be either are refused; the option decides") {
  const Bytes mixed = "text\tlabel\n\"He said \"\"so\"\"\"\tpos\na 5\" nail\tneg\n";
  check_refused("x.tsv", mixed, {"line 2", "line 3", "--quotes doubled", "--quotes text"});
  CHECK(open("x.tsv", mixed, with(Quotes::doubled)).texts ==
        Strings{"He said \"so\"", "a 5\" nail"});
  CHECK(open("x.tsv", mixed, with(Quotes::text)).texts ==
        Strings{"\"He said \"\"so\"\"\"", "a 5\" nail"});
  check_refused("x.tsv", "text\tlabel\n\"yes, yes\"\tpos\nno\tneg\n", {"--quotes"});
  // Quotes that meet over lines which are whole without them.
  check_refused("x.tsv", "text\tlabel\n\"Hello\tpos\nso\tneg\nbye\"\tpos\n", {"--quotes"});
  const Folder folder;
  const std::string enclosed =
      folder.write("a.tsv", "text\tlabel\n\"\"\"so\"\" it\"\tpos\nb film\tneg\n");
  const std::string bare = folder.write("b.tsv", "text\tlabel\n\"a film\"\tpos\nb film\tneg\n");
  const std::string neither = folder.write("c.tsv", "text\tlabel\na film\tpos\nb film\tneg\n");
  CHECK(open(neither + "," + enclosed).texts[2] == "\"so\" it");
  CHECK(has(error_of([&] { open(enclosed + "," + bare); }), "give --quotes"));
}

TEST_CASE("csv: quotes behind backslashes are refused, unless they are to stay") {
  const Bytes mysql = "text,label\n\\\"a film\\\",pos\nb film,neg\n";
  check_refused("x.csv", mysql, {"backslashes", "--quotes doubled"});
  CHECK(open("x.csv", mysql, with(Quotes::doubled)).texts[0] == "\\\"a film\\\"");
  check_refused("x.csv", "text,label\n\"a \\\"film\\\", so\",pos\n", {"x.csv:2", "backslashes"});
  CHECK(open("x.csv", "text,label\na 5\\\" nail of 5\",pos\nb film,neg\n").texts[0] ==
        "a 5\\\" nail of 5\"");
  CHECK(open("x.csv", "text,label\n\"a\",pos\n", with(Quotes::text)).texts[0] == "\"a\"");
}

TEST_CASE("csv: semicolons, tabs and bars where commas do not fit") {
  for (const char* delimiter : {";", "\t", "|"}) {
    const std::string d = delimiter;
    const Opened data = open("x.csv", "text" + d + "label\na, b, c" + d + "pos\n\"d" + d + "\"" +
                                          d + "neg\ne" + d + "pos\n");
    CHECK(data.texts == Strings{"a, b, c", "d" + d, "e"});
    CHECK(has(data.notes.at(0), "cells between "));
  }
  CHECK(open("x.csv", "text;more,label\na;b,pos\nc,neg\n", TextColumns{.text = "1", .label = "2"})
            .texts[1] == "a;b");  // commas fit
  check_refused("x.tsv", "text,label\na b,pos\nc d,neg\n", {"expected tabs", "commas", ".csv"});
}

TEST_CASE("lines that are no rows") {
  const Bytes rows = "text,label\na b,pos\nc d,neg\n";
  check_refused("x.csv", rows + rows, {"x.csv:4", "the header again"});
  check_refused("x.csv", "sep=;\ntext;label\na b;pos\n", {"x.csv:1", "'sep=;'"});
}

TEST_CASE("line ends") {
  check_refused("x.csv", "text,label\ra b,pos\rc d,neg\r", {"CR alone", "tr "});
  check_refused("x.jsonl", "{\"text\":\"a\",\"label\":0}\r{\"text\":\"b\",\"label\":1}\r", {"CR"});
  CHECK(open("x.csv", "text,label\r\na,pos\nb,neg\r\n").texts == Strings{"a", "b"});
}

TEST_CASE("rows without a text or label: counted, and left out where asked") {
  const Bytes rows = "text,label\na b,pos\n,neg\nc d,\ne f,neg\n\" \",pos\n";
  check_refused("x.csv", rows, {"x.csv:3: empty text", "3 such rows", "--drop-empty"});
  TextColumns columns;
  columns.drop_empty = true;
  const Opened data = open("x.csv", rows, columns);
  CHECK(data.texts == Strings{"a b", "e f"});
  CHECK(has(data.notes.at(1), "3 rows without a text or label left out, the first: "));
  const Bytes lines =
      "{\"text\":\"a b\",\"label\":1}\n{\"label\":1}\n{\"text\":null,\"label\":1}\n"
      "{\"text\":\"c d\",\"label\":null}\n{\"text\":\"e f\",\"label\":0}\n";
  check_refused("x.jsonl", lines, {"x.jsonl:2: key 'text'", "no such key", "3 such rows"});
  CHECK(open("x.jsonl", lines, columns).texts == Strings{"a b", "e f"});
  // What stands there instead is no absence.
  CHECK(has(error_of([&] { open("x.jsonl", lines + "{\"text\":[1],\"label\":1}\n", columns); }),
            "got a list"));
}

TEST_CASE("encodings") {
  const Bytes latin1 =
      "label\ttext\nx\tsister\xf0"
      "city caf\xe9 na\xefve\n";
  check_refused("x.tsv", latin1,
                {"x.tsv:2: invalid UTF-8 at byte 9 of the line; give --encoding latin-1"});
  TextColumns options;
  options.encoding = TextEncoding::latin1;
  CHECK(open("x.tsv", latin1, options).texts == Strings{"sister\xc3\xb0"
                                                        "city caf\xc3\xa9 na\xc3\xafve"});
  CHECK(open("x.jsonl", "{\"label\":1,\"text\":\"caf\xe9\"}\n", options).texts ==
        Strings{"caf\xc3\xa9"});
  CHECK(open("x.csv", "label,text\n\xe9,\"\xff \"\"\"\n", options).texts == Strings{"\xc3\xbf \""});
}

TEST_CASE("Windows-1252: read by its name, refused as Latin-1") {
  const Bytes quotes = "text,label\n\x93It\x92s\x94 \x96 5 \x80,x\n";
  TextColumns options;
  options.encoding = TextEncoding::latin1;
  check_refused("x.csv", quotes, {"x.csv:2", "at byte 1", "--encoding windows-1252"}, options);
  options.encoding = TextEncoding::windows1252;
  CHECK(open("x.csv", quotes, options).texts == Strings{"“It’s” – 5 €"});
  CHECK(open("x.jsonl", "{\"text\":\"caf\xe9 \x85\",\"label\":1}\n", options).texts ==
        Strings{"café …"});
  check_refused("x.csv", "text,label\na,x\nb\x81,x\n", {"x.csv:3", "at byte 2"}, options);
  // Every byte, as Python's cp1252.
  std::string all;
  for (int byte = 0x80; byte < 0xa0; ++byte) {
    const char c = static_cast<char>(byte);
    if (valid_windows1252_prefix({&c, 1}) == 1) append_windows1252({&c, 1}, all);
  }
  CHECK(all == "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ");
}

TEST_CASE("JSON lines by any of their names, and other JSON") {
  const Bytes lines = "{\"text\": \"a b\", \"label\": 0}\n{\"label\": 1, \"text\": \"c d\"}\n";
  for (const char* name : {"x.jsonl", "x.ndjson", "x.json", "x.txt", "x"}) {
    CAPTURE(name);
    CHECK(open(name, lines).texts == Strings{"a b", "c d"});
  }
  CHECK(open("x.json.gz", gzip(lines)).labels == Strings{"0", "1"});
  for (const char* list : {"[{\"text\": \"a\", \"label\": 0}]", "[\n{\"text\": \"a\"}\n]\n"})
    check_refused("x.jsonl", list, {"x.jsonl:1", "one JSON object a line", "a list", ".json"});
  check_refused("x.json", "{\n  \"text\": \"a\",\n \"label\": 0\n}\n",
                {"over several lines", "jq"});
  check_refused("x.json", "{\"text\":{\"0\":\"a\"},\"label\":{\"0\":1}}\n",
                {"an object", "orient='records', lines=True"});
  check_refused("x.jsonl", "{\"text\":\"a\",\"label\":1,\"x\":NaN}\n", {"x.jsonl:1", "NaN"});
}

TEST_CASE("a list of objects, on one line or many") {
  const Bytes list =
      "\xef\xbb\xbf [\n  {\n    \"text\": \"a } \\\"b\",\n    \"x\": [1, {}],\n    \"label\": 0\n  "
      "}"
      ",\n{\"label\":1,\"text\":\"c]\"}\n]\n\n";
  for (const char* name : {"x.json", "x", "x.txt"}) {
    CAPTURE(name);
    const Opened opened = open(name, list);
    CHECK(opened.texts == Strings{"a } \"b", "c]"});
    CHECK(opened.labels == Strings{"0", "1"});
  }
  CHECK(open("x.json.gz", gzip("[{\"text\":\"a b\",\"label\":1}]")).texts == Strings{"a b"});
}

TEST_CASE("UTF-16 with its mark is read as its text is") {
  const std::u16string text = u"text,label\na \u00e9 \u20ac,pos\n\"b,\n\U0001f600\",neg\n";
  for (const bool big : {false, true}) {
    CAPTURE(big);
    Bytes bytes = big ? "\xfe\xff" : "\xff\xfe";
    for (const char16_t unit : text) {
      const char high = static_cast<char>(unit >> 8), low = static_cast<char>(unit & 0xff);
      bytes += big ? Bytes{high, low} : Bytes{low, high};
    }
    for (const Bytes& file : {bytes, gzip(bytes)}) {
      const Opened opened = open("x.csv", file);
      CHECK(opened.texts == Strings{"a é €", "b,\n😀"});
      CHECK(opened.labels == Strings{"pos", "neg"});
    }
  }
}

TEST_CASE("rows that cannot be read are left out, counted and named") {
  const auto open_skipping = [](const std::string& name, const Bytes& bytes) {
    const Folder folder;
    return Dataset::open(folder.write(name, bytes), {.skip_broken = true});
  };
  Bytes csv = "text,label\na b,pos\nc d,neg,more\n\xff e,pos\n ,pos\nf g,\nh i,neg\n";
  for (int i = 0; i < 7; ++i) csv += "one\n";
  const auto data = open_skipping("x.csv", csv);
  CHECK(data->rows() == 2);
  CHECK(data->left_out() == 11);
  CHECK(data->text(1).first == "h i");
  CHECK(data->class_names() == Strings{"neg", "pos"});
  REQUIRE(data->notes().size() == 3);
  CHECK(has(data->notes()[1], "9 rows that cannot be read left out, the first: "));
  CHECK(has(data->notes()[1], "x.csv:3: expected 2 columns, got 3"));
  CHECK(has(data->notes()[1], "; also x.csv:4, x.csv:8, x.csv:9, x.csv:10 and 4 others"));
  CHECK(has(data->notes()[2], "2 rows without a text or label left out"));
  CHECK(open_skipping("x.jsonl",
                      "{\"text\":\"a b\",\"label\":1}\n{\"text\":\n[]\n"
                      "{\"text\":[],\"label\":1}\n{\"text\":\"c d\",\"label\":0}\n")
            ->left_out() == 3);
  // Where the next one begins is not clear.
  CHECK(has(error_of([&] { open_skipping("x.csv", "text,label\na b,1\n\"c d\"e,0\nf,1\n"); }),
            "x.csv:3: expected a comma"));
}

TEST_CASE("files of other formats are named, with what to do") {
  const Bytes zeros(100, '\0');
  check_refused("x.parquet", "PAR1" + zeros, {"Parquet", "read_parquet('x.parquet')", "to_csv"});
  check_refused("x.csv", "PAR1" + zeros, {"Parquet"});
  check_refused("x.arrow", "ARROW1" + zeros, {"Arrow", "read_feather"});
  check_refused("x.arrow", "\xff\xff\xff\xff" + zeros, {"an Arrow stream", "from_file"});
  check_refused("x.csv.zip", "PK\3\4" + zeros, {"a zip file", "unzip"});
  check_refused("x.xlsx", "PK\3\4" + zeros, {"a spreadsheet", "read_excel"});
  check_refused("x.xls", "\xd0\xcf\x11\xe0" + zeros, {"an old Office file"});
  check_refused("x.pkl", "\x80\x04" + zeros + ".", {"a pickle", "never executed"});
  check_refused("x.npy", "\x93NUMPY" + zeros, {"a NumPy array"});
  check_refused("x.csv.xz", "\xfd\x37zXZ" + zeros, {"an xz file", "unpack"});
  check_refused("x.csv", "\xff\xfet\0e", {"UTF-16", "even number of bytes"});
  Bytes wide;
  for (const char c : std::string("text,label\na film,pos\n")) wide += {c, '\0'};
  check_refused("x.csv", wide, {"UTF-16 without a byte order mark", "iconv -f UTF-16LE"});
  check_refused("x.csv.gz", gzip("PAR1" + zeros), {"Parquet"});
  check_refused("x.txt", "__label__pos a film\n__label__neg b film\n", {"fastText", "sed"});
}

TEST_CASE("what a file is, for those who do not open it") {
  const Folder folder;
  const auto format = [&](const std::string& name, const Bytes& bytes) {
    return Dataset::format(folder.write(name, bytes));
  };
  CHECK(format("x.csv", "a,b\n") == "CSV");
  CHECK(format("X.TSV", "a\tb\n") == "TSV");
  CHECK(format("x.jsonl", "{}\n") == "JSON lines");
  CHECK(format("x.json", "[]\n") == "JSON");
  CHECK(format("x.csv.gz", gzip("a,b\n")) == "CSV");
  CHECK(format("x.txt.gz", gzip("a b\n")) == "a gzip file");
  CHECK(format("x", "PAR1") == "Parquet");
  CHECK(format("x.txt", "a text\n").empty());
  CHECK(Dataset::format(folder.path).empty());
  CHECK(Dataset::format(folder.path + "/none").empty());
}
