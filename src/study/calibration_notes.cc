#include "calibration_notes.h"

#include "operating_point.h"

namespace sidenet {
namespace {

constexpr double kMainnetKnowsThem = 0.99;

std::string copies(const CalibrationRows& rows, bool distinct) {
  if (rows.copies == 0) return "";
  const std::string count =
      std::to_string(rows.copies) + (rows.copies == 1 ? " row is a copy" : " rows are copies");
  if (distinct)
    return count +
           " of others and left out: what is told here is about different rows, each counted once, "
           "not about traffic";
  return count +
         " of others and kept, as rows that come again count each time they come (--distinct takes "
         "one of each)";
}

}  // namespace

std::string note_of_known_rows(double mainnet_accuracy) {
  if (mainnet_accuracy < kMainnetKnowsThem) return "";
  return "MainNet is right on almost all of these rows: where its training has seen them, what is "
         "told here says nothing "
         "about new rows";
}

std::vector<std::string> notes_of_rows(const ExitScores& scores, const CalibrationRows& rows,
                                       bool training_rows_known, const CalibrateOptions& options) {
  std::vector<std::string> notes;
  const auto add = [&](std::string note) {
    if (!note.empty()) notes.push_back(std::move(note));
  };
  add(copies(rows, options.distinct));
  if (!training_rows_known) {
    add("the model does not tell which rows its SideNets were trained on: what is told here holds "
        "only if none of these was "
        "among them");
  }
  if (rows.left_out > 0 && options.epsilon)
    add("rows that SideNets were trained on are left out: the promise is about rows that training "
        "has not seen");
  add(note_of_known_rows(
      operate(scores, std::vector<double>(scores.exits() - 1, kShut), rows.used).accuracy));
  return notes;
}

std::vector<std::string> notes_of_idle_exits(const std::vector<std::string>& names,
                                             const OperatingPoint& point, std::size_t rows) {
  std::vector<std::string> notes;
  for (std::size_t exit = 0; exit + 1 < names.size(); ++exit) {
    if (point.rows[exit] > 0 || point.thresholds[exit] > 1) continue;
    notes.push_back("exit " + names[exit] + " answers none of " + std::to_string(rows) +
                    " rows at its threshold: its SideNet costs time and saves none");
  }
  return notes;
}

}  // namespace sidenet
