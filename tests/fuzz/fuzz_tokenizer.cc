// Any bytes must give rows of tokens or a sidenet::Error: a vocab.txt or tokenizer.json, and a text
// for it.
#include "bert_tokenizer.h"
#include "fuzz_support.h"

namespace {

using sidenet::fuzz::expect;

void check_rows(const sidenet::BertTokenizer& tokenizer, const sidenet::Text& text) {
  sidenet::TokenRows rows;
  tokenizer.encode({"", {}}, rows);
  const std::int64_t before = rows.tokens();
  try {
    tokenizer.encode(text, rows);
    expect(rows.rows() == 2 && rows.length(1) <= tokenizer.contents().options.max_tokens,
           "one row more, not too long");
  } catch (const sidenet::Error&) {
    expect(rows.rows() == 1 && rows.tokens() == before, "rows as before a refusal");
  }
  expect(rows.positions.size() == rows.ids.size() && rows.types.size() == rows.ids.size(),
         "a position and a type a token");
  for (const std::int32_t id : rows.ids) {
    expect(id >= 0 && static_cast<std::size_t>(id) < tokenizer.contents().vocabulary.size(),
           "an id of the vocabulary");
  }
}

}  // namespace

// The text is what stands behind the last zero byte; with none, the file's own bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string large = sidenet::fuzz::enlarged({reinterpret_cast<const char*>(data), size});
  const std::string_view input(large);
  const std::size_t zero = input.rfind('\0');
  const std::string_view file = input.substr(0, zero);
  const std::string text(zero == std::string_view::npos ? input : input.substr(zero + 1));
  sidenet::TokenizerOptions options;
  options.max_tokens = 3 + static_cast<int>(size % 30);
  options.lower_case = size % 3 != 0;
  options.clean_text = size % 5 != 0;
  if (size % 11 == 0) options.truncation_side = sidenet::TruncationSide::left;
  if (size % 7 == 0) options.truncation = sidenet::Truncation::only_first;
  sidenet::fuzz::refusable("input", [&] {
    const sidenet::BertTokenizer tokenizer(sidenet::read_tokenizer(file, options, "input"),
                                           "input");
    check_rows(tokenizer, {text, {}});
    check_rows(tokenizer, {text, text.substr(text.size() / 2)});
    check_rows(tokenizer, {std::string(file), text});
  });
  return 0;
}
