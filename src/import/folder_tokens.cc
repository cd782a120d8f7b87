#include "folder_tokens.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "sidenet/error.h"
#include "tokenizer_json.h"

namespace sidenet {
namespace {

const char* const kNames[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                              "pad_token", "cls_token", "mask_token"};

/// Of a token's name: none where a file says null.
using NamedTokens = std::map<std::string, std::optional<AddedToken>>;

// A text, or an object with its flags.
std::optional<AddedToken> token_of(const JsonField& holder, const std::string& key, bool special) {
  if (!holder.has(key.c_str())) return std::nullopt;
  const JsonField field = holder.at(key.c_str());
  if (field.is_object()) return read_added_token(field, special);
  return AddedToken{field.string(), -1, false};
}

// Also where it says null, or names none; names of their own ({"ent_token": "[ENT]"}) are no list.
bool names_extra_by(const JsonField& holder, const std::string& key) {
  const auto members = holder.members();
  return std::any_of(members.begin(), members.end(), [&](const auto& member) {
    return member.first == key && !member.second.is_object();
  });
}
bool names_extra(const JsonField& holder) {
  return names_extra_by(holder, "extra_special_tokens") ||
         names_extra_by(holder, "additional_special_tokens");
}

class FolderTokens {
 public:
  FolderTokens(const CheckpointFiles& files, const JsonField& config,
               const std::vector<AddedToken>& of_json)
      : files_(files), config_(config) {
    take_names(config, false);
    for (const char* key : {"extra_special_tokens", "additional_special_tokens"}) {
      if (extra_.empty() && config.has(key)) take_extra(config.at(key));
    }
    const bool has_decoder = config.has("added_tokens_decoder");
    if (has_decoder) {
      read_decoder();
    } else {
      std::optional<JsonField> map;
      if (!files.special_tokens_map.empty()) map = read_object(files.special_tokens_map);
      if (map) take_names(*map, true);
      if (map && map->has("extra_special_tokens")) take_extra(map->at("extra_special_tokens"));
      if (!files.added_tokens.empty()) read_added_tokens_json();
      // Later, so that added_tokens.json's are no special ones by it.
      if (map && !names_extra(config) && !names_extra_by(*map, "extra_special_tokens") &&
          map->has("additional_special_tokens"))
        take_extra(map->at("additional_special_tokens"));
      for (const AddedToken& token : of_json) by_id_[token.id] = token;
    }
  }

  void add_to(TokenizerContents& contents,
              const std::vector<std::pair<const char*, const char*>>& defaults) {
    for (const auto& [name, piece] : defaults)
      named_.try_emplace(name, AddedToken{piece, -1, false});
    for (const auto& [id, token] : by_id_) {
      tokens_.push_back(token);
      known_.insert(token.content);
    }
    for (const char* name : kNames) add_named(name);
    for (const auto& [name, token] : named_) add_named(name);
    for (const AddedToken& token : extra_) add_new(token);
    TokenizerOptions& options = contents.options;
    for (const auto& [name, piece] : {std::pair{"unk_token", &options.unknown},
                                      {"cls_token", &options.cls},
                                      {"sep_token", &options.sep}}) {
      if (defaults.empty() || !named_.contains(name)) continue;
      if (!named_[name]) throw Error(source() + ": " + name + ": expected a token, got null");
      *piece = named_[name]->content;
    }
    if (!defaults.empty()) check_frame(contents);
    add_tokens(contents, tokens_, source());
    for (const auto& [name, piece] :
         {std::pair{"pad_token", &options.pad}, {"mask_token", &options.mask}}) {
      if (named_.contains(name)) *piece = named_[name] ? named_[name]->content : "";
    }
  }

 private:
  // transformers would make up ids for them, of embeddings that nobody has trained.
  void check_frame(const TokenizerContents& contents) const {
    for (const std::string* piece : {&contents.options.cls, &contents.options.sep}) {
      const bool is_told = std::any_of(by_id_.begin(), by_id_.end(), [&](const auto& token) {
        return token.second.content == *piece;
      });
      if (!is_told) special_token_id(contents.vocabulary, *piece, files_.vocabulary);
    }
  }

  const std::string& source() const {
    return files_.tokenizer_config.empty() ? files_.vocabulary : files_.tokenizer_config;
  }

  // Every "…_token" that is no flag.
  void take_names(const JsonField& holder, bool special) {
    for (const auto& [key, value] : holder.members()) {
      const bool is_name = std::find(std::begin(kNames), std::end(kNames), key) != std::end(kNames);
      if (is_name || (key.ends_with("_token") && value.is_string()))
        named_[key] = token_of(holder, key, special);
    }
  }

  void take_extra(const JsonField& field) {
    if (field.is_object()) {
      for (const auto& [name, value] : field.members()) named_[name] = token_of(field, name, true);
      return;
    }
    for (const JsonField& item : field.items())
      extra_.push_back(item.is_object() ? read_added_token(item, true)
                                        : AddedToken{item.string(), -1, false});
  }

  void read_decoder() {
    for (const auto& [key, value] : config_.at("added_tokens_decoder").members()) {
      std::int32_t id = -1;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
      if (error != std::errc() || end != key.data() + key.size() || id < 0)
        value.refuse("an id as its key");
      by_id_[id] = read_added_token(value, false);
      by_id_[id].id = id;
    }
  }

  void read_added_tokens_json() {
    std::set<std::string> special;
    for (const char* name : kNames) {
      const auto found = named_.find(name);
      if (found != named_.end() && found->second) special.insert(found->second->content);
    }
    for (const AddedToken& token : extra_) special.insert(token.content);
    for (const auto& [content, value] : read_object(files_.added_tokens).members()) {
      const std::int32_t id = value.integer(0, static_cast<int>(kMaxPieces));
      by_id_[id] = {content, id, !special.contains(content)};
    }
  }

  // One that a file describes stays as it is described.
  void add_new(const AddedToken& token) {
    if (known_.insert(token.content).second) tokens_.push_back(token);
  }
  void add_named(const std::string& name) {
    const auto found = named_.find(name);
    if (found != named_.end() && found->second) add_new(*found->second);
  }

  const CheckpointFiles& files_;
  const JsonField& config_;
  NamedTokens named_;
  std::vector<AddedToken> extra_;
  std::map<std::int32_t, AddedToken> by_id_;
  std::vector<AddedToken> tokens_;
  std::set<std::string> known_;
};

}  // namespace

void add_folder_tokens(const CheckpointFiles& files, const JsonField& tokenizer_config,
                       const std::vector<AddedToken>& of_json,
                       const std::vector<std::pair<const char*, const char*>>& defaults,
                       TokenizerContents& contents) {
  FolderTokens(files, tokenizer_config, of_json).add_to(contents, defaults);
}

}  // namespace sidenet
