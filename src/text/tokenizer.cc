#include "sidenet/tokenizer.h"

#include "bert_tokenizer.h"
#include "mapped_file.h"
#include "sidenet/error.h"
#include "utf8_text.h"

namespace sidenet {

struct Tokenizer::Impl {
  Impl(TokenizerContents contents, const std::string& source)
      : tokenizer(std::move(contents), source) {}
  BertTokenizer tokenizer;
};

Tokenizer::Tokenizer(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Tokenizer::Tokenizer(std::vector<std::string> vocabulary, TokenizerOptions options,
                     const std::string& source)
    : impl_(std::make_shared<const Impl>(
          contents_of_vocabulary(std::move(vocabulary), std::move(options), source), source)) {}

Tokenizer Tokenizer::load(const std::string& path, const TokenizerOptions& options) {
  const auto file = MappedFile::open(path);
  const std::string_view bytes(reinterpret_cast<const char*>(file->bytes().data()),
                               file->bytes().size());
  return Tokenizer(std::make_shared<const Impl>(read_tokenizer(bytes, options, path), path));
}

const TokenizerContents& contents_of(const Tokenizer& tokenizer) {
  return tokenizer.impl_->tokenizer.contents();
}

Tokenizer make_tokenizer(TokenizerContents contents, const std::string& source) {
  check_vocabulary(contents.vocabulary, source);
  const std::size_t pieces = contents.vocabulary.size();
  if (contents.model_pieces < 1 || contents.model_pieces > pieces) {
    throw Error(source + ": model_pieces: expected 1 to " + std::to_string(pieces) +
                ", the number of pieces, got " + std::to_string(contents.model_pieces));
  }
  for (const AddedToken& token : contents.added) {
    const auto id = static_cast<std::size_t>(token.id);
    if (token.id < 0 || id >= pieces || contents.vocabulary[id] != token.content) {
      throw Error(source + ": added_tokens: expected the id of " + quoted_text(token.content) +
                  " in the vocabulary, got " + std::to_string(token.id));
    }
  }
  return Tokenizer(std::make_shared<const Tokenizer::Impl>(std::move(contents), source));
}

void Tokenizer::encode(const Text& text, TokenRows& rows) const {
  impl_->tokenizer.encode(text, rows);
}

std::vector<std::string> Tokenizer::tokenize(const std::string& text) const {
  std::vector<std::string> pieces;
  for (const std::int32_t id : impl_->tokenizer.piece_ids(text)) {
    pieces.push_back(vocabulary()[static_cast<std::size_t>(id)]);
  }
  return pieces;
}

const std::vector<std::string>& Tokenizer::vocabulary() const {
  return impl_->tokenizer.contents().vocabulary;
}
const TokenizerOptions& Tokenizer::options() const { return impl_->tokenizer.contents().options; }

}  // namespace sidenet
