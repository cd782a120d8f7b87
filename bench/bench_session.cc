// This engine under the line protocol of peer_worker.py, so that peers.py can interleave what it compares:
//
//   bench_session MODEL INPUT.npy THREADS
//
// First line out: {"engine", "version"}. Then, for each line in: "run N" gives {"ms": [N times of one Session::run]};
// "logits FILE" writes the last logits as .npy and gives {"written": FILE}. The clock is around MainNet only (final_only).
#include <chrono>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "npy.h"
#include "sidenet/sidenet.h"

namespace {

using Json = nlohmann::json;

std::vector<double> time_runs(sidenet::Session& session, const sidenet::Tensor& inputs, int runs,
                              sidenet::Answers& answers) {
  const sidenet::ExitPolicy policy = sidenet::ExitPolicy::final_only();
  std::vector<double> milliseconds;
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    answers = session.run(inputs, policy);
    milliseconds.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  return milliseconds;
}

void serve(const std::string& model_path, const std::string& input_path, int threads) {
  const sidenet::Model model = sidenet::Model::load(model_path);
  sidenet::SessionOptions options;
  options.threads = threads;
  sidenet::Session session(model, options);
  const sidenet::Tensor inputs = sidenet::read_npy(input_path).to_f32();
  sidenet::Answers answers;
  std::cout << Json{{"engine", "sidenet"}, {"version", SIDENET_VERSION}} << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const std::size_t space = line.find(' ');
    const std::string command = line.substr(0, space);
    const std::string argument = space == std::string::npos ? "" : line.substr(space + 1);
    if (command == "run") {
      std::cout << Json{{"ms", time_runs(session, inputs, std::stoi(argument), answers)}} << std::endl;
    } else if (command == "logits") {
      sidenet::write_npy(argument, answers.logits);
      std::cout << Json{{"written", argument}} << std::endl;
    } else {
      std::cout << Json{{"error", "unknown command '" + command + "'"}} << std::endl;
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    std::cerr << "usage: bench_session MODEL INPUT.npy THREADS\n";
    return 2;
  }
  try {
    serve(arguments[1], arguments[2], std::stoi(arguments[3]));
  } catch (const std::exception& error) {
    std::cerr << "bench_session: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
