// This engine under the line protocol of peer_worker.py, text_worker.py and exit_worker.py, so that what is compared can be
// interleaved:
//
//   bench_session MODEL INPUT.npy THREADS [BATCH [EXITS [MICRO_BATCH]]]
//
// First line out: {"engine", "version"}. Then, for each line in: "run N" gives {"ms": [N times of one run]};
// "logits FILE" writes the last logits as .npy and gives {"written": FILE}; "answers FILE" writes (rows, 3), the class, the
// index of the exit and the confidence of each row, and gives {"written", "compute"}: multiply-adds as a ratio to
// MainNet's. INPUT is (rows, C, H, W), or word ids (rows, tokens) with -1 behind a shorter row's end. A run is all rows,
// BATCH at a time (default: all at once). EXITS: "final", MainNet alone (default); "model", the thresholds in the file; a
// threshold for all exits; or NAME=T,…, the others shut. MICRO_BATCH: rows that move together, at most (0: as the plan says).
#include <algorithm>
#include <chrono>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "npy.h"
#include "sidenet/sidenet.h"

namespace {

using Json = nlohmann::json;

// All rows, cut to batches before the clock starts.
class Rows {
 public:
  Rows(const sidenet::Tensor& values, bool texts, std::int64_t batch) {
    const std::int64_t rows = values.dim(0);
    for (std::int64_t first = 0; first < rows; first += batch) {
      const std::int64_t count = std::min(batch, rows - first);
      if (texts) {
        texts_.push_back(pack(values, first, count));
      } else {
        sidenet::Shape shape = values.shape();
        const std::int64_t each = values.size() / rows;
        shape[0] = count;
        sidenet::Tensor part(sidenet::DType::f32, shape);
        std::copy_n(values.data<float>() + first * each, count * each, part.mutable_data<float>());
        images_.push_back(part);
      }
    }
  }

  double run(sidenet::Session& session, const sidenet::ExitPolicy& policy) {
    const std::size_t batches = std::max(images_.size(), texts_.size());
    answers_.resize(batches);
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < batches; ++i) {
      answers_[i] = texts_.empty() ? session.run(images_[i], policy) : session.run(texts_[i], policy);
    }
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  }

  sidenet::Tensor logits() const {
    std::vector<float> all;
    for (const sidenet::Answers& part : answers_) {
      all.insert(all.end(), part.logits.data<float>(), part.logits.data<float>() + part.logits.size());
    }
    const std::int64_t classes = answers_.at(0).logits.dim(1);
    return sidenet::Tensor::from({static_cast<std::int64_t>(all.size()) / classes, classes}, all);
  }

  sidenet::Tensor answers() const {
    std::vector<float> all;
    for (const sidenet::Answers& part : answers_) {
      for (std::size_t row = 0; row < part.index.size(); ++row) {
        all.push_back(static_cast<float>(part.index[row]));
        all.push_back(static_cast<float>(part.exit[row]));
        all.push_back(part.confidence[row]);
      }
    }
    return sidenet::Tensor::from({static_cast<std::int64_t>(all.size()) / 3, 3}, all);
  }

  double compute() const {
    double executed = 0, mainnet = 0;
    for (const sidenet::Answers& part : answers_) {
      executed += static_cast<double>(part.multiply_adds);
      mainnet += static_cast<double>(part.mainnet_multiply_adds);
    }
    return executed / mainnet;
  }

 private:
  static sidenet::TokenRows pack(const sidenet::Tensor& ids, std::int64_t first, std::int64_t count) {
    sidenet::TokenRows texts;
    for (std::int64_t row = first; row < first + count; ++row) {
      const auto* from = ids.data<std::int64_t>() + row * ids.dim(1);
      for (std::int32_t i = 0; i < ids.dim(1) && from[i] >= 0; ++i) {
        texts.ids.push_back(static_cast<std::int32_t>(from[i]));
        texts.positions.push_back(i);
        texts.types.push_back(0);
      }
      texts.offsets.push_back(texts.tokens());
    }
    return texts;
  }

  std::vector<sidenet::Tensor> images_;
  std::vector<sidenet::TokenRows> texts_;
  std::vector<sidenet::Answers> answers_;
};

sidenet::ExitPolicy parse_exits(const std::string& text) {
  if (text == "final") return sidenet::ExitPolicy::final_only();
  if (text == "model") return {};
  if (text.find('=') == std::string::npos) return sidenet::ExitPolicy::uniform(std::stod(text));
  auto policy = sidenet::ExitPolicy::uniform(2);
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const std::size_t equals = part.find('=');
    policy.thresholds[part.substr(0, equals)] = std::stod(part.substr(equals + 1));
  }
  return policy;
}

void serve(const std::vector<std::string>& arguments) {
  const sidenet::Model model = sidenet::Model::load(arguments.at(0));
  const sidenet::Tensor values = sidenet::read_npy(arguments.at(1));
  sidenet::SessionOptions options;
  options.threads = std::stoi(arguments.at(2));
  if (arguments.size() > 5) options.micro_batch = std::stoi(arguments[5]);
  sidenet::Session session(model, options);
  const std::int64_t batch = arguments.size() > 3 ? std::stoll(arguments[3]) : values.dim(0);
  const sidenet::ExitPolicy policy = parse_exits(arguments.size() > 4 ? arguments[4] : "final");
  Rows rows(model.is_text() ? values : values.to_f32(), model.is_text(), batch);
  std::cout << Json{{"engine", "sidenet"}, {"version", SIDENET_VERSION}} << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const std::size_t space = line.find(' ');
    const std::string command = line.substr(0, space);
    const std::string argument = space == std::string::npos ? "" : line.substr(space + 1);
    if (command == "run") {
      std::vector<double> milliseconds;
      for (int i = std::stoi(argument); i > 0; --i) milliseconds.push_back(rows.run(session, policy));
      std::cout << Json{{"ms", milliseconds}} << std::endl;
    } else if (command == "logits") {
      sidenet::write_npy(argument, rows.logits());
      std::cout << Json{{"written", argument}} << std::endl;
    } else if (command == "answers") {
      sidenet::write_npy(argument, rows.answers());
      std::cout << Json{{"written", argument}, {"compute", rows.compute()}} << std::endl;
    } else {
      std::cout << Json{{"error", "unknown command '" + command + "'"}} << std::endl;
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4 || count > 7) {
    std::cerr << "usage: bench_session MODEL INPUT.npy THREADS [BATCH [EXITS [MICRO_BATCH]]]\n";
    return 2;
  }
  try {
    serve({arguments + 1, arguments + count});
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
