#include "certificate_words.h"

#include <algorithm>
#include <cmath>

#include "table.h"
#include "text.h"

namespace sidenet::tools {
namespace {

std::string rows_that_tested(const Certificate& c) {
  std::string words = grouped(c.rows) + (c.rows == 1 ? " row" : " rows") + " tested it";
  if (c.unlabelled_rows > 0)
    words += ", with " + grouped(c.unlabelled_rows) + " more without labels";
  if (c.fitted_rows > 0) words += "; " + grouped(c.fitted_rows) + " others fitted";
  return words;
}

std::string look_in_words(const Certificate& c) {
  if (!c.looks_kept) return "taken for the first look at these rows: no file of looks was given";
  return "look " + std::to_string(c.look) + " at these rows, tested at " + fixed(c.look_delta, 4) +
         " of delta " + fixed(c.delta, 4);
}

}  // namespace

std::string risk_in_words(Risk risk) {
  if (risk == Risk::drop) return "accuracy lost against MainNet";
  if (risk == Risk::disagreement) return "answers that differ from MainNet's";
  return "wrong answers of each exit among its own";
}

std::string amount_in_words(Risk risk, double amount) {
  return risk == Risk::drop ? fixed(100 * amount, 2) + " points" : percent(amount);
}

std::string promise_in_words(const Certificate& c) {
  return risk_in_words(c.risk) + (c.risk == Risk::drop ? " is at most " : ": at most ") +
         amount_in_words(c.risk, c.epsilon) + (c.classes.empty() ? "" : " in every class") +
         ", on rows drawn as these were" +
         (c.distinct ? " from different rows, each counted once" : "");
}

std::string failing_in_words(double delta) {
  const double times = 1 / delta;
  const bool is_whole = std::abs(times - std::round(times)) < 1e-6 * times;
  if (is_whole) return "at most once in " + grouped(std::llround(times)) + " calibrations";
  return "in at most " + percent(delta, delta < 1e-4 ? 7 : 2) + " of calibrations";
}

void print_promise(std::ostream& out, const Certificate& c, const std::string& start) {
  out << '\n'
      << start << promise_in_words(c) << ".\n  Such promises fail " << failing_in_words(c.delta)
      << ".\n";
  if (c.version < Certificate::kVersion) return;
  out << "  " << rows_that_tested(c) << " (" << printable(c.method)
      << ").\n  These thresholds alone: at most " << amount_in_words(c.risk, c.bound) << "; "
      << look_in_words(c) << ".\n";
  if (!c.training_rows_known)
    out << "  The model did not tell which rows its SideNets were trained on: it holds only if "
           "none of them was here.\n";
  if (c.classes.empty()) return;
  Table table({{"class"}, {"rows that tested", true}, {"at most", true}});
  for (const Certificate::ClassPromise& of : c.classes)
    table.add({printable(of.label), grouped(of.rows), amount_in_words(c.risk, of.bound)});
  table.print(out);
}

Json certificate_json(const std::optional<Certificate>& certificate) {
  if (!certificate) return nullptr;
  const Certificate& c = *certificate;
  Json classes = Json::array();
  for (const Certificate::ClassPromise& of : c.classes)
    classes.push_back({{"label", of.label}, {"rows", of.rows}, {"bound", of.bound}});
  return {{"risk", name_of(c.risk)},
          {"epsilon", c.epsilon},
          {"delta", c.delta},
          {"method", c.method},
          {"rows", c.rows},
          {"unlabelled_rows", c.unlabelled_rows},
          {"fitted_rows", c.fitted_rows},
          {"bound", c.bound},
          {"disagreement_bound", c.disagreement_bound},
          {"accuracy", c.accuracy},
          {"mainnet_accuracy", c.mainnet_accuracy},
          {"compute", c.compute},
          {"thresholds", c.thresholds},
          {"classes", classes},
          {"distinct", c.distinct},
          {"training_rows_known", c.training_rows_known},
          {"seed", c.seed},
          {"data", c.data},
          {"look", c.look},
          {"looks_kept", c.looks_kept},
          {"look_delta", c.look_delta},
          {"version", c.version},
          {"precision", c.precision},
          {"winograd", c.winograd},
          {"kernels", name_of(c.kernels)},
          {"jpeg_decoder", c.jpeg_decoder ? Json(name_of(*c.jpeg_decoder)) : Json()},
          {"digest", c.digest}};
}

}  // namespace sidenet::tools
