// This engine under the line protocol of peer_worker.py, text_worker.py and exit_worker.py, so that
// what is compared can be interleaved:
//
//   bench_session MODEL INPUT.npy THREADS [BATCH [EXITS [MICRO_BATCH]]]
//
// First line out: {"engine", "version"}. Then, for each line in: "run N" gives {"ms": [N times of
// one run]}; "logits FILE" writes the last logits as .npy and gives {"written": FILE,
// "multiply_adds": MainNet's in a run}; "answers FILE" writes (rows, 3), the class, the index of
// the exit and the confidence of each row, and gives {"written", "compute"}: multiply-adds as a
// ratio to MainNet's. INPUT is (rows, C, H, W), or word ids (rows, tokens) with -1 behind a shorter
// row's end. A run is all rows, BATCH at a time (default: all at once). EXITS: "final", MainNet
// alone (default); "model", the thresholds in the file; a threshold for all exits; or NAME=T,…, the
// others shut. MICRO_BATCH: rows that move together, at most (0: as the plan says).
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "session_rows.h"
#include "sidenet/npy.h"
#include "sidenet/sidenet.h"

namespace {

using Json = nlohmann::json;

using namespace sidenet::bench;

void serve(const std::vector<std::string>& arguments) {
  const sidenet::Model model = sidenet::Model::load(arguments.at(0));
  const sidenet::Tensor values = sidenet::read_npy(arguments.at(1));
  sidenet::SessionOptions options;
  options.execution.threads = std::stoi(arguments.at(2));
  if (arguments.size() > 5) options.micro_batch = std::stoi(arguments[5]);
  sidenet::Session session(model, options);
  const std::int64_t batch = arguments.size() > 3 ? std::stoll(arguments[3]) : values.dim(0);
  const sidenet::ExitPolicy policy =
      parse_exits(arguments.size() > 4 ? arguments[4] : sidenet::kFinalExit);
  Rows rows(model.is_text() ? values : values.to_f32(), model.is_text(), batch);
  std::cout << Json{{"engine", "sidenet"}, {"version", SIDENET_VERSION}} << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const std::size_t space = line.find(' ');
    const std::string command = line.substr(0, space);
    const std::string argument = space == std::string::npos ? "" : line.substr(space + 1);
    if (command == "run") {
      std::vector<double> milliseconds;
      for (int i = std::stoi(argument); i > 0; --i)
        milliseconds.push_back(rows.run(session, policy));
      std::cout << Json{{"ms", milliseconds}} << std::endl;
    } else if (command == "logits") {
      sidenet::write_npy(argument, rows.logits());
      std::cout << Json{{"written", argument}, {"multiply_adds", rows.mainnet_multiply_adds()}}
                << std::endl;
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
