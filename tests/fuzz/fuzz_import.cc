// A Hugging Face checkpoint: its config.json (the input up to the first NUL), its vocabulary (up to
// the next), and the weights, told as a recipe.
#include <optional>

#include "recipe.h"
#include "sidenet/sidenet.h"

using namespace sidenet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const fuzz::MemoryFile config(fuzz::enlarged(fuzz::take_until(rest, '\0')));
  const fuzz::MemoryFile vocabulary(fuzz::enlarged(fuzz::take_until(rest, '\0')));
  const fuzz::MemoryFile weights(fuzz::file_of(fuzz::read_recipe(rest)));
  ImportOptions options;
  const bool is_text = rest.find("embeddings") != std::string_view::npos;
  if (is_text) options.config = config.path();
  if (is_text) options.vocabulary = vocabulary.path();
  std::optional<Model> model;
  fuzz::refusable("/proc/self/fd/",
                  [&] { model = Model::import_checkpoint(weights.path(), options); });
  if (!model) return 0;
  for (const std::string& note : model->notes())
    fuzz::expect(note.find('\n') == std::string::npos, "notes of one line");
  fuzz::refusable("", [&] {
    model->nodes();
    if (!model->is_text() || !model->has_tokenizer()) return;
    TokenRows rows;
    model->tokenizer().encode({"a text", {}}, rows);
    if (model->nodes().size() < 200 && model->has_head())
      Session(*model, {.execution = {.threads = 1}}).run(rows);
  });
  return 0;
}
