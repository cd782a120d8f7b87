// Ways to run the same rows against each other, as finely interleaved as a batch: where the
// machine's speed moves within milliseconds, two processes that take turns of seconds cannot tell
// one per cent.
//
//   bench_policies INPUT.npy THREADS BATCH ROUNDS MODEL EXITS [MODEL EXITS …]
//
// INPUT, BATCH and EXITS are bench_session's. In each round every batch is run each way, in an
// order that is drawn anew for each batch: what ran before leaves its weights in the caches. A
// batch's time is the median over the rounds. Prints JSON, an object for each way: "ms" a row;
// "ratio" to the first way's, with the interval that 95 % of 400 resamplings of the rounds give;
// "compute", multiply-adds as a ratio to MainNet's; and "time_over_compute", time saved against the
// first way over compute saved.
#include <algorithm>
#include <exception>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "quantile.h"
#include "session_rows.h"
#include "sidenet/npy.h"
#include "sidenet/sidenet.h"

namespace {

using Json = nlohmann::json;
using namespace sidenet::bench;

/// One way, and its milliseconds: [batch][round].
struct Way {
  std::string model, exits;
  sidenet::Session session;
  sidenet::ExitPolicy policy;
  Rows rows;
  std::vector<std::vector<double>> milliseconds;

  double run(std::size_t batch) { return rows.run(batch, session, policy); }
  /// Of all batches, each the median over these rounds.
  double sum(const std::vector<std::size_t>& rounds) const {
    double total = 0;
    std::vector<double> values(rounds.size());
    for (const std::vector<double>& batch : milliseconds) {
      for (std::size_t i = 0; i < rounds.size(); ++i) values[i] = batch[rounds[i]];
      total += quantile(values, 0.5);
    }
    return total;
  }
};

/// A way's time over all rounds, and over resampled ones: the same draws for every way.
struct Sums {
  double all;
  std::vector<double> resampled;
};

Sums sums_of(const Way& way, std::size_t rounds) {
  constexpr int kSamples = 400;
  std::vector<std::size_t> chosen(rounds);
  std::iota(chosen.begin(), chosen.end(), std::size_t{0});
  Sums sums{way.sum(chosen), {}};
  std::mt19937 random(1);
  for (int sample = 0; sample < kSamples; ++sample) {
    for (std::size_t& round : chosen) round = random() % rounds;
    sums.resampled.push_back(way.sum(chosen));
  }
  return sums;
}

Json report(const Way& way, const Sums& sums, const Sums& first, std::int64_t rows) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < sums.resampled.size(); ++i)
    ratios.push_back(sums.resampled[i] / first.resampled[i]);
  const double ratio = sums.all / first.all, compute = way.rows.compute();
  Json result{{"model", way.model},
              {"exits", way.exits},
              {"ms", sums.all / static_cast<double>(rows)},
              {"ratio", ratio},
              {"interval", {quantile(ratios, 0.025), quantile(ratios, 0.975)}},
              {"compute", compute}};
  if (compute < 1) result["time_over_compute"] = (1 - ratio) / (1 - compute);
  return result;
}

void compare(const std::vector<std::string>& arguments) {
  const sidenet::Tensor values = sidenet::read_npy(arguments.at(0));
  sidenet::SessionOptions options;
  options.execution.threads = std::stoi(arguments.at(1));
  const std::int64_t batch = std::stoll(arguments.at(2));
  const std::size_t rounds = std::stoul(arguments.at(3));
  if (rounds == 0) throw sidenet::Error("ROUNDS: expected at least 1");
  std::map<std::string, sidenet::Model> models;  // ways of one file share its weights in memory
  std::vector<Way> ways;
  for (std::size_t i = 4; i + 1 < arguments.size(); i += 2) {
    if (!models.contains(arguments[i]))
      models.emplace(arguments[i], sidenet::Model::load(arguments[i]));
    const sidenet::Model& model = models.at(arguments[i]);
    ways.push_back({arguments[i],
                    arguments[i + 1],
                    sidenet::Session(model, options),
                    parse_exits(arguments[i + 1]),
                    Rows(model.is_text() ? values : values.to_f32(), model.is_text(), batch),
                    {}});
  }
  const std::size_t batches = ways.at(0).rows.batches();
  for (Way& way : ways) {
    way.milliseconds.resize(batches);
    for (std::size_t b = 0; b < batches; ++b) way.run(b);
  }
  std::vector<Way*> order;
  for (Way& way : ways) order.push_back(&way);
  std::mt19937 random(1);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t b = 0; b < batches; ++b) {
      std::shuffle(order.begin(), order.end(), random);
      for (Way* way : order) way->milliseconds[b].push_back(way->run(b));
    }
  }
  const Sums first = sums_of(ways[0], rounds);
  for (const Way& way : ways)
    std::cout << report(way, &way == &ways[0] ? first : sums_of(way, rounds), first, values.dim(0))
              << std::endl;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 7 || count % 2 == 0) {
    std::cerr
        << "usage: bench_policies INPUT.npy THREADS BATCH ROUNDS MODEL EXITS [MODEL EXITS …]\n";
    return 2;
  }
  try {
    compare({arguments + 1, arguments + count});
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
