#pragma once

#include "pickle.h"

namespace sidenet::pickle {

/// How a pickle asks Python to run code.
enum class Call {
  function,   // REDUCE, INST, OBJ: type(*arguments)
  construct,  // NEWOBJ: type.__new__(type, *arguments), which leaves out __init__
};

/// Nothing is ever called, so this decides only which files are refused: those that would have had
/// Python run something that no training script puts beside weights (os.system, eval). Functions
/// must be on a list of tensor rebuilders, built-in containers and known configuration types;
/// classes may be any but those of modules that reach the system.
bool may_stand_inert(const Global& callee, Call call);

/// Whether Python would make a plain dict (OrderedDict, defaultdict) or a set.
bool makes_dict(const Global& callee);
bool makes_set(const Global& callee);

}  // namespace sidenet::pickle
