#!/bin/sh
# kernels_gemm_symbols.sh NM LIBRARY...
# Fails where a gemm variant has a weak symbol outside its own eigen_<variant> namespace: the linker might take that copy, with
# its instruction set, for the whole program (see kernels/cpu/gemm_variant.cc).
set -eu
nm=$1
shift
status=0
for library; do
  symbols=$("$nm" -C "$library")
  leaked=$(printf '%s\n' "$symbols" | awk '$2 ~ /^[WVu]$/ && !/eigen_[a-z0-9]+::/ && !/DW\.ref\./')
  if [ -n "$leaked" ]; then
    printf '%s: weak symbols outside the renamed namespace:\n%s\n' "$library" "$leaked"
    status=1
  fi
  if ! printf '%s\n' "$symbols" | grep -q ' T sidenet::kernels::cpu::gemm_'; then
    printf '%s: no gemm function found\n' "$library"
    status=1
  fi
done
exit $status
