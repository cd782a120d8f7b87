#include "chosen_rows.h"

#include <algorithm>

#include "class_shares.h"
#include "permutation.h"
#include "row_set.h"
#include "row_view.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

class ChosenRows : public RowView {
 public:
  ChosenRows(std::shared_ptr<const Dataset> data, RowSet rows, const std::string& note,
             LabelsFrom labels_from)
      : RowView(std::move(data)),
        rows_(std::move(rows)),
        notes_(RowView::notes()),
        labels_from_(labels_from) {
    if (!note.empty()) notes_.push_back(note);
  }

  const std::vector<std::string>& notes() const override { return notes_; }
  LabelsFrom labels_from() const override { return labels_from_; }
  std::int64_t rows() const override { return rows_.size(); }
  std::int64_t rows_in_all() const override { return data().rows(); }

 private:
  std::int64_t inner(std::int64_t row) const override {
    if (row < 0 || row >= rows_.size()) {
      throw Error("data: row: expected 0 to " + std::to_string(rows_.size() - 1) + ", got " +
                  std::to_string(row));
    }
    return rows_[row];
  }

  RowSet rows_;
  std::vector<std::string> notes_;
  LabelsFrom labels_from_;
};

void check(const DatasetOptions& options) {
  if (options.limit < -1 || options.limit == 0) {
    throw Error("data: limit: expected at least 1, or -1 for all rows, got " +
                std::to_string(options.limit));
  }
  if (options.sample < -1 || options.sample == 0) {
    throw Error("data: sample: expected at least 1, or -1 for all rows, got " +
                std::to_string(options.sample));
  }
  const RowSplit& split = options.split;
  if (split.first < 1 || split.last < split.first || split.of < split.last) {
    throw Error("data: split: expected parts between 1 and their number, got " + to_string(split));
  }
}

/// Narrows the rows of `data`, step by step.
class Choice {
 public:
  Choice(const Dataset& data, bool labelled)
      : data_(data), labelled_(labelled), rows_(0, data.rows()) {}

  void skip_and_limit(RowOrder order, std::int64_t skip, std::int64_t limit) {
    const std::int64_t left = rows_.size() - skip, count = limit < 0 ? left : std::min(left, limit);
    if (order == RowOrder::as_it_stands) {
      rows_ = RowSet(skip, count);
      return;
    }
    if (count == rows_.size()) return;
    const RowCounts counts = count_classes(), begin = shares_in_turn(counts, skip),
                    end = shares_in_turn(counts, skip + count);
    keep(counts, [&](std::size_t label, std::int64_t place) {
      return place >= begin[label] && place < end[label];
    });
  }

  /// The shuffled rows of one class behind those of the other, dealt out to the parts like cards.
  void split(const RowSplit& split, std::uint64_t seed) {
    if (split.last - split.first + 1 == split.of) return;
    const RowCounts counts = count_classes();
    std::vector<std::int64_t> starts;
    std::vector<Permutation> shuffles;
    std::int64_t start = 0;
    for (std::size_t label = 0; label < counts.size(); start += counts[label++]) {
      starts.push_back(start);
      shuffles.push_back(shuffle(counts[label], seed, 2 * label));
    }
    keep(counts, [&](std::size_t label, std::int64_t place) {
      const auto dealt = starts[label] + static_cast<std::int64_t>(
                                             shuffles[label](static_cast<std::uint64_t>(place)));
      const std::int64_t part = 1 + dealt % split.of;
      return part >= split.first && part <= split.last;
    });
  }

  void sample(std::int64_t wanted, std::uint64_t seed) {
    if (wanted < 0 || wanted >= rows_.size()) return;
    const RowCounts counts = count_classes(), shares = proportional_shares(counts, wanted);
    std::vector<Permutation> shuffles;
    for (std::size_t label = 0; label < counts.size(); ++label)
      shuffles.push_back(shuffle(counts[label], seed, 2 * label + 1));
    keep(counts, [&](std::size_t label, std::int64_t place) {
      return shuffles[label](static_cast<std::uint64_t>(place)) <
             static_cast<std::uint64_t>(shares[label]);
    });
  }

  RowSet rows() && { return std::move(rows_); }

 private:
  static Permutation shuffle(std::int64_t rows, std::uint64_t seed, std::uint64_t stream) {
    return {static_cast<std::uint64_t>(rows), seed, stream};
  }
  /// Labels that nobody may look at are one class.
  std::size_t label(std::int64_t row) const {
    return labelled_ ? static_cast<std::size_t>(data_.label(row)) : 0;
  }
  RowCounts count_classes() const {
    RowCounts counts;
    rows_.for_each([&](std::int64_t row) {
      const std::size_t found = label(row);
      if (found >= counts.size()) counts.resize(found + 1);
      ++counts[found];
    });
    return counts;
  }
  /// Rows of which wanted(label, place among those of this label).
  template <typename Wanted>
  void keep(const RowCounts& counts, Wanted wanted) {
    RowCounts seen(counts.size());
    rows_ = rows_.filtered([&](std::int64_t row) {
      const std::size_t found = label(row);
      return wanted(found, seen[found]++);
    });
  }

  const Dataset& data_;
  bool labelled_;
  RowSet rows_;
};

std::string note_of(const std::string& spec, std::int64_t rows, std::int64_t all, RowOrder order,
                    const DatasetOptions& options) {
  std::string how;
  const auto add = [&](const char* what, const std::string& value) {
    how += (how.empty() ? "" : ", ") + std::string(what) + value;
  };
  if (options.skip > 0) add("skip ", std::to_string(options.skip));
  if (options.limit >= 0) add("limit ", std::to_string(options.limit));
  if (!how.empty() && order == RowOrder::classes_in_turn) how += " (classes in turn)";
  const bool split = options.split.of > 1, drawn = split || options.sample >= 0;
  if (split) add("split ", to_string(options.split));
  if (options.sample >= 0) add("sample ", std::to_string(options.sample));
  if (drawn) add("rows seed ", std::to_string(options.rows_seed));
  return how.empty()
             ? ""
             : spec + ": " + std::to_string(rows) + " of " + std::to_string(all) + " rows: " + how;
}

}  // namespace

std::string to_string(const RowSplit& split) {
  return std::to_string(split.first) +
         (split.last == split.first ? "" : "-" + std::to_string(split.last)) + "/" +
         std::to_string(split.of);
}

std::shared_ptr<const Dataset> chosen_rows(std::shared_ptr<const Dataset> data, RowOrder order,
                                           const DatasetOptions& options, const std::string& spec) {
  check(options);
  const std::int64_t all = data->rows();
  if (options.skip < 0 || options.skip >= all) {
    throw Error("data: skip: expected 0 to " + std::to_string(all - 1) + ", as " + spec + " has " +
                std::to_string(all) + " rows, got " + std::to_string(options.skip));
  }
  Choice choice(*data, options.labelled);
  choice.skip_and_limit(order, options.skip, options.limit);
  choice.split(options.split, options.rows_seed);
  choice.sample(options.sample, options.rows_seed);
  RowSet rows = std::move(choice).rows();
  if (rows.size() == 0) {
    throw Error("data: split: expected a row in parts " + to_string(options.split) + " of " + spec +
                ", got none: it has " + std::to_string(all) + " rows");
  }
  const std::string note = note_of(spec, rows.size(), all, order, options);
  return std::make_shared<ChosenRows>(std::move(data), std::move(rows), note, options.labels_from);
}

}  // namespace sidenet
