#!/bin/sh
# Take out of a site-packages folder what nothing here imports: tests of large packages, headers,
# static libraries, Arrow's Flight. torch/bin/torch_shm_manager stays: `import torch`
# looks for it.
set -eu
cd "$1"
for package in dask matplotlib mpl_toolkits networkx numpy pandas pyarrow scipy sklearn sympy; do
  if [ -d "$package" ]; then
    find "$package" -type d -name tests -prune -exec rm -rf {} +
  fi
done
rm -rf onnx/backend/test/data pyarrow/include pyarrow/src tornado/test
rm -f pyarrow/*_flight.* pyarrow/_pyarrow_cpp_tests.*
rm -rf torch/bin/*Test torch/bin/protoc* torch/bin/test_* torch/include torch/share torch/test
find . -type f -name '*.a' -delete
find pyarrow -type f \( -name '*.pyx' -o -name '*.px[di]' \) -delete
# A wheel holds no links, so each of these libraries is there three times.
for library in pyarrow/libarrow_python*.so; do
  for copy in "$library" "$library".[0-9]*; do
    full=$(echo "$library".*.*.*)
    [ "$copy" = "$full" ] || ln -sf "$(basename "$full")" "$copy"
  done
done
