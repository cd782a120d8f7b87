#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "exit_graph.h"
#include "random_bert.h"
#include "random_model.h"
#include "sidenet/sidenet.h"

// What a run allocates once everything is warm: the answers that it returns, and nothing for a
// layer, a row or an exit.
namespace {

std::atomic<long> allocations{0};

void* allocate(std::size_t bytes, std::size_t alignment) {
  ++allocations;
  void* data = nullptr;
  if (::posix_memalign(&data, alignment, bytes == 0 ? 1 : bytes) != 0) throw std::bad_alloc();
  return data;
}

}  // namespace

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // it does not see that both are replaced
#endif

void* operator new(std::size_t bytes) { return allocate(bytes, alignof(std::max_align_t)); }
void* operator new[](std::size_t bytes) { return allocate(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* data) noexcept { std::free(data); }
void operator delete[](void* data) noexcept { std::free(data); }
void operator delete(void* data, std::size_t) noexcept { std::free(data); }
void operator delete[](void* data, std::size_t) noexcept { std::free(data); }
void operator delete(void* data, std::align_val_t) noexcept { std::free(data); }
void operator delete(void* data, std::size_t, std::align_val_t) noexcept { std::free(data); }

namespace {

using namespace sidenet;

// The vectors of an answer, and what is kept of the request.
constexpr long kAnswer = 24;

// The fewest allocations of one of some warm runs: a thread that is late may make the others'
// buffers grow.
template <class Inputs>
long warm_allocations(Session& session, const Inputs& inputs, const ExitPolicy& policy) {
  long fewest = 1 << 30;
  for (int run = 0; run < 12; ++run) {
    const long before = allocations;
    { const Answers answers = session.run(inputs, policy); }
    if (run >= 4) fewest = std::min(fewest, allocations - before);
  }
  return fewest;
}

Model network(int blocks) {
  ModelData data = testing::describe(testing::random_cifar_resnet(1, blocks, 16, 3, 7, true));
  testing::RandomWeights random(2);
  add_random_exit(random, data, "layer2", 2, 32 * 4, 24);
  add_random_exit(random, data, "layer1.0", 3, 16 * 9, 17);
  return make_model(std::move(data));
}

}  // namespace

TEST_CASE("a warm run allocates its answers only: images") {
  const Model shallow = network(1), deep = network(5);
  for (const int threads : {1, 2}) {
    for (const int rows : {1, 5, 24}) {
      testing::RandomWeights random(3);
      const Tensor inputs = random.tensor({rows, 3, 32, 32}, -2, 2);
      Session few(shallow, {.execution = {.threads = threads}}),
          many(deep, {.execution = {.threads = threads}});
      for (const ExitPolicy& policy : {ExitPolicy::final_only(), ExitPolicy::uniform(0.4)}) {
        const long of_few = warm_allocations(few, inputs, policy),
                   of_many = warm_allocations(many, inputs, policy);
        CAPTURE(threads);
        CAPTURE(rows);
        CHECK(of_few == of_many);
        CHECK(of_many <= kAnswer);
      }
    }
  }
}

TEST_CASE("a warm run allocates its answers only: texts") {
  testing::BertSize size;
  ModelData data = testing::describe_bert(testing::random_bert(1, size), size.heads);
  testing::RandomWeights random(2);
  add_random_text_exit(random, data, "encoder.layer.0", TokenPooling::cls, 16);
  const Model model = make_model(std::move(data));
  for (const int threads : {1, 2}) {
    for (const int rows : {1, 24}) {
      const TokenRows inputs = testing::random_texts(3, rows, size.positions, size);
      Session session(model, {.execution = {.threads = threads}});
      for (const ExitPolicy& policy : {ExitPolicy::final_only(), ExitPolicy::uniform(0.4)}) {
        CAPTURE(threads);
        CAPTURE(rows);
        CHECK(warm_allocations(session, inputs, policy) <= kAnswer);
      }
    }
  }
}
