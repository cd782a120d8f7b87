#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sidenet/enum_names.h"
#include "sidenet/export.h"
#include "sidenet/image.h"
#include "sidenet/tensor.h"
#include "sidenet/text.h"

namespace sidenet {

/// Of the bytes of a text file.
enum class TextEncoding {
  utf8,
  latin1,  ///< ISO 8859-1; its control characters 0x80 to 0x9F are refused
  windows1252
};
template <>
inline constexpr EnumName<TextEncoding> kEnumNames<TextEncoding>[] = {
    {TextEncoding::utf8, "utf-8"},
    {TextEncoding::latin1, "latin-1"},
    {TextEncoding::windows1252, "windows-1252"}};

/// What quotes around a cell of .csv and .tsv mean.
enum class Quotes {
  automatic,  ///< .csv: as doubled; .tsv: as the whole file speaks for, refused where it does not
  doubled,    ///< they enclose the cell; one inside is written twice (RFC 4180, pandas' to_csv)
  text        ///< they belong to the text (GLUE's files)
};
template <>
inline constexpr EnumName<Quotes> kEnumNames<Quotes>[] = {
    {Quotes::automatic, "auto"}, {Quotes::doubled, "doubled"}, {Quotes::text, "text"}};

/// What a class's number in the data means to a model whose labels are other names.
enum class LabelsFrom {
  automatic,  ///< what alone fits; refused where several do
  zero,       ///< 0 is the model's first class
  one,        ///< 1 is
  sorted      ///< the place among the data's labels sorted as text: torchvision's ImageFolder
};
template <>
inline constexpr EnumName<LabelsFrom> kEnumNames<LabelsFrom>[] = {{LabelsFrom::automatic, "auto"},
                                                                  {LabelsFrom::zero, "0"},
                                                                  {LabelsFrom::one, "1"},
                                                                  {LabelsFrom::sorted, "sorted"}};

/// Where the parts of a text row stand. A column is a name of the header (of .jsonl a key), or a
/// number from 1. TREC lines have the columns label (the part before the colon) and text.
struct TextColumns {
  std::string text = {};   ///< several with commas are joined by a blank; empty: guessed
  std::string pair = {};   ///< the second text of a pair; empty: none
  std::string label = {};  ///< empty: guessed
  TextEncoding encoding = TextEncoding::utf8;
  Quotes quotes = Quotes::automatic;
  bool drop_empty = false;  ///< rows without a text or label are left out; else refused
};

/// Parts `first` to `last` of `of` parts of a data set, counted from 1. Parts are disjoint,
/// together all rows, of a size but for one row, and have of each class what the whole has, but for
/// one row.
struct RowSplit {
  int first = 1, last = 1, of = 1;
};
/// "2/5", "1-4/5".
SIDENET_API std::string to_string(const RowSplit& split);

/// What rows to take. `skip` and `limit` come first, then `split`, then `sample`. A folder of class
/// folders is skipped and limited by classes in turn: the first picture of each, the second, … .
/// All else is as it stands. Rows keep their order. The same options and rows_seed choose the same
/// rows of the same data, whatever they are for.
struct DatasetOptions {
  std::int64_t skip = 0;    ///< leave out the first rows
  std::int64_t limit = -1;  ///< at most this many rows; -1: all
  RowSplit split{};         ///< drawn by rows_seed
  /// At most this many rows, drawn by rows_seed in proportion to the classes (the largest
  /// remainder; one of each class where there are as many); -1: all.
  std::int64_t sample = -1;
  std::uint64_t rows_seed = 1;
  TextColumns columns{};                           ///< for texts
  LabelsFrom labels_from = LabelsFrom::automatic;  ///< also of names, where it is sorted
  /// Rows and pictures that cannot be read are left out, counted and told of in notes(), and texts
  /// without a text or label too; else refused. Every picture that is chosen is decoded for that.
  bool skip_broken = false;
  /// False: rows without labels; label() is 0 and there are no class names, whatever the data says.
  /// Then a folder may hold images at any depth, an IDX file may come alone, and a text file may
  /// have no label column, or be one text a line.
  bool labelled = true;
};

/// Images or texts with labels (or without: DatasetOptions::labelled), in a fixed order, read when
/// asked for. What a path holds is found out from the path and the bytes: a folder of class folders
/// (PNG, JPEG, BMP, WebP; or .txt, each file a text), an IDX pair "images,labels" (also .gz),
/// CIFAR-10/100 binary files (one, several with commas, a folder of them, or a tar or tar.gz);
/// texts as .tsv, .csv (RFC 4180), JSON lines (.jsonl, .ndjson, .json), or TREC's "LABEL:detail
/// text" lines, each also .gz; several with commas where format and columns agree; files of other
/// names are looked into for tabs, JSON objects and TREC lines. In folders, hidden files and what
/// systems leave behind (Thumbs.db, __MACOSX) are no files.
class SIDENET_API Dataset {
 public:
  enum class Kind { images, texts };
  /// Files are read when rows are asked for, so they must stay while the Dataset lives.
  ///
  ///     const auto data =
  ///         Dataset::open("dev.tsv", {.limit = 500, .columns = {.text = "sentence"}});
  ///
  /// Throws Error: nothing there, an empty folder, a class folder with other files alone, labels
  /// that disagree, a truncated file; of texts
  /// a missing column, an empty text or label, bytes that are not in the encoding, columns that are
  /// not clear.
  static std::shared_ptr<const Dataset> open(const std::string& spec,
                                             const DatasetOptions& options = {});
  /// The files that open(spec) reads, with labels or without, those of a folder one by one. Throws
  /// Error where they cannot be listed; whether they can be read is not looked at.
  static std::vector<std::string> files(const std::string& spec, bool labelled = true);
  /// What a file is by its first bytes or its name: "Parquet", "a zip file", "CSV", "JSON lines", …
  /// Empty: none of those that are known, or it cannot be read. A gzip file: what is packed, by its
  /// name, or "a gzip file".
  static std::string format(const std::string& path);
  virtual ~Dataset() = default;

  virtual Kind kind() const { return Kind::images; }
  /// What was guessed, skipped or chosen, worth telling the user, a line each.
  virtual const std::vector<std::string>& notes() const;
  /// DatasetOptions::labels_from.
  virtual LabelsFrom labels_from() const { return LabelsFrom::automatic; }

  virtual std::int64_t rows() const = 0;
  /// With those that skip, limit, split and sample left out.
  virtual std::int64_t rows_in_all() const { return rows(); }
  /// Rows that drop_empty and skip_broken left out.
  virtual std::int64_t left_out() const { return 0; }
  virtual int label(std::int64_t row) const = 0;
  /// Class names where the data has them; else empty. Those of the whole data even where skip and
  /// limit leave rows out. Of class folders: sorted as text. Of texts: sorted; where all are whole
  /// numbers ("1", "01", "1.0") they are written as integers and sorted by value.
  virtual const std::vector<std::string>& class_names() const = 0;
  /// "cat/0001.png", "test_batch.bin[17]", "dev.tsv:17" (a line): for messages.
  virtual std::string name(std::int64_t row) const = 0;
  /// The row as bytes (H, W, C), C 1 or 3, as it is stored. Safe to call from many threads. Throws
  /// Error where it does not decode, or the rows are texts.
  virtual Tensor image(std::int64_t row) const;
  /// Of the row's file, where the row is one: it is opened, not decoded. Else nothing is known.
  virtual PictureFacts picture_facts(std::int64_t row) const;
  /// The row as text, valid UTF-8. Safe to call from many threads. Throws Error where the rows are
  /// images.
  virtual Text text(std::int64_t row) const;
  /// 64 bits of the bytes that the row is made from, as they are now: an image's own file, else
  /// what image() or text() gives. For accidents, not attacks. Safe to call from many threads.
  /// Throws Error where they cannot be read.
  virtual std::uint64_t digest(std::int64_t row) const;
  /// image(), and the digest() of the very bytes that it was made from.
  virtual std::pair<Tensor, std::uint64_t> digested_image(std::int64_t row) const;
};

/// Files of a folder and of the folders below it. Links are followed, hidden files left out.
struct FolderFiles {
  std::vector<std::string> paths;  ///< sorted
  std::vector<std::string> notes;  ///< what was skipped, a line each
};
/// The PNG, JPEG and BMP files of `folder`. Throws Error where there is none, or a folder cannot be
/// read.
SIDENET_API FolderFiles images_below(const std::string& folder);
/// The .txt files of `folder`. Throws Error likewise.
SIDENET_API FolderFiles texts_below(const std::string& folder);
/// All of a file as one text: UTF-8, whatever `encoding` it is in (or UTF-16, where its mark says
/// so). Throws Error: over 1 MiB, or bytes that are not in the encoding.
SIDENET_API std::string read_text(const std::string& path,
                                  TextEncoding encoding = TextEncoding::utf8);

}  // namespace sidenet
