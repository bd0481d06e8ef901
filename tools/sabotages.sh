# shellcheck shell=bash
# The sabotages of tools/mutate.sh: NAME FILE TEXT REPLACEMENT TEST... each, in the order of the rooms that they break.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

# What is said of kernels for GPUs that are not there.
sabotage 'disassembly: a product by a constant is useful' tools/stats/disassembly.c \
  'is_register (parts[1]) && is_register (parts[2])' 'is_register (parts[2])' disassembly
sabotage 'disassembly: the loop around another is the body' tools/stats/disassembly.c \
  'other->first > loop->first && other->last' 'other->first > loop->last && other->last' disassembly
sabotage 'disassembly: only a wait for all loads is one for the first' tools/stats/disassembly.c \
  'instruction->wait <= later' 'instruction->wait == 0' disassembly
sabotage 'disassembly: what is fetched for the next round is not looked at' tools/stats/disassembly.c \
  '(place - loop->first + step) % (loop->last' '(place - loop->first + step) / (loop->last' disassembly
sabotage 'network-bound: slow instructions are as fast as others' tools/stats/network-bound.c \
  '#define SLOW 4' '#define SLOW 1' network-bound
sabotage 'network-bound: each SIMD has a memory of workgroups of its own' tools/stats/network-bound.c \
  '/ LDS_BYTES_PER_CYCLE * family->simds_per_unit' '/ LDS_BYTES_PER_CYCLE' network-bound
sabotage 'network-bound: a loop makes one round' tools/stats/network-bound.c \
  'MAX (1, work.multiply_adds / body)' '1' gpu-static
sabotage 'pipeline: what was compiled is not filed' compute/vk/pipeline.c \
  'made != NULL ? keep (device, form, made) : NULL' 'made' nets-sharing
sabotage 'pipeline: one for all constants of a shader' compute/vk/pipeline.c \
  'one->constant == other->constant && ' '' ops-ops
sabotage 'shader: every texel buffer is binding 0' compute/engine/shader.c \
  '1u << reader->values[variable]' '1u' ops-needs
sabotage 'kernels: what the driver says is forgotten' tools/stats/kernels.c \
  'statistics[i].offset) = statistic->value.u64;' 'statistics[i].offset) = 0;' gpu-static

# Shaders.
sabotage 'conv-texel: the stride counts for rows only' shaders/conv_texel.comp \
  'a.stride * (row * a.x.row + column * a.x.pixel)' 'a.stride * row * a.x.row + column * a.x.pixel' ops-ops
sabotage 'conv-texel: the second kernel row begins a tap late' shaders/conv_texel.comp \
  '- int (a.kernel_width) * next_column;' '- (int (a.kernel_width) - 1) * next_column;' ops-ops
sabotage 'conv-texel: input blocks are one row off' shaders/conv_texel.comp \
  'int (a.kernel_height * a.dilation * a.x.row)' 'int ((a.kernel_height - 1) * a.dilation * a.x.row)' ops-ops
sabotage 'conv-texel: no upper end of the activation' shaders/conv_texel.comp \
  'activate (v, a.lo, a.hi)' 'activate (v, a.lo, 1e30)' ops-ops
sabotage 'conv-texel: the border is not zeroed' shaders/conv_texel.comp \
  '    zero_border (a);' '' ops-ops
sabotage 'conv-texel: every group sees what the first does' shaders/conv_texel.comp \
  'ORIGIN (a.x) + gl_WorkGroupID.y * OC / a.bundle * a.in_blocks * a.x.plane' 'ORIGIN (a.x)' ops-ops
sabotage 'conv-window: every group sees what the first does' shaders/conv_window.comp \
  'ORIGIN (a.x) + gl_WorkGroupID.y * OC / a.bundle * a.in_blocks * a.x.plane' 'ORIGIN (a.x)' ops-ops
sabotage 'conv-tile: every group sees what the first does' shaders/conv_tile.comp \
  'gl_WorkGroupID.y * OC / a.bundle * a.in_blocks * a.x.plane' '0' ops-ops
sabotage 'conv: weights of a group lie where its bundle begins' compute/ops/conv.c \
  'skipped + o / group_channels (node) * n - o / bundled * seen' 'skipped' ops-ops
sabotage 'conv: bundles need not begin with a texel' compute/ops/conv.c \
  ' && seen_by (node, least) % CBAM_TEXEL_CHANNELS == 0 ? least' ' ? least' ops-ops
sabotage 'slice: taken over by convolutions in groups' compute/ops/slice.c \
  ' || cbam_conv_params (node)->groups > 1)' ')' ops-ops
sabotage 'winograd: groups see everything' compute/run/host/winograd.c \
  'p->groups <= 1 && ' '' ops-ops-host
sabotage 'winograd: what sticks out is read from where it would lie' shaders/winograd_in.comp \
  'min (first_y + i * a.dilation, last_y)' '(first_y + i * a.dilation)' ops-ops
sabotage 'winograd: what sticks out is stored' shaders/winograd_out.comp \
  'row < a.height && column < a.width' 'row < a.height' ops-ops
sabotage 'winograd: all of a window counts, outside of the map as well' shaders/winograd_out.comp \
  'right && below ? columns[j + 1][i + 1] : largest' 'columns[j + 1][i + 1]' ops-ops
sabotage 'winograd: every stripe begins with the first row of tiles' shaders/winograd_in.comp \
  'first_pixel (a, tile.y + a.first)' 'first_pixel (a, tile.y)' ops-ops
sabotage 'winograd: phases of a dilation are next to each other' shaders/common/winograd.glsl \
  'tile % a.dilation + tile / a.dilation * (CBAM_WINOGRAD_TILE * a.dilation)' 'tile * CBAM_WINOGRAD_TILE' ops-ops
sabotage 'winograd: no stripe zeroes the border' compute/ops/winograd.c \
  'p->first == 0 || node->op' 'node->op' ops-ops
sabotage 'winograd: a pool takes what others read as well' compute/ops/winograd_out.c \
  ' || cbam_graph_count_readers (graph, value) != 1)' ')' nets-nets golden
sabotage 'winograd: all places have the weights of the first' compute/ops/conv.c \
  'cbam_winograd_transform (p->weight, o % group_channels (node), (guint) o / group_channels (node), room)' \
  'cbam_winograd_transform (p->weight, o % group_channels (node), 0, room)' ops-ops
sabotage 'plan: whoever packs has the weights of the first' compute/ops/conv.c \
  'p->weight == q->weight && ' '' nets-nets golden
sabotage 'program: the second part of the weights lies where the first does' compute/run/vulkan/program.c \
  '      from = step->weights_offset;' '' golden-presets
sabotage 'conv-window: no step to the next input block' shaders/conv_window.comp \
  'xi += row_step + (block_done ? block_step : 0);' 'xi += row_step;' ops-ops
sabotage 'conv-window: pixels past the last row are stored where they seem to lie' shaders/conv_window.comp \
  'const int p = begin + j;' 'const int p = first + j;' ops-ops
sabotage 'conv-tile: the dilation counts for columns only' shaders/conv_tile.comp \
  'a.dilation * (row * a.x.row + column * a.x.pixel)' '(row * a.x.row + a.dilation * column * a.x.pixel)' ops-ops
sabotage 'conv-tile: a block too many is stored' shaders/conv_tile.comp \
  '|| block >= blocks_of (a.channels))' '|| block > blocks_of (a.channels))' ops-ops
sabotage 'conv-tile: no step from a kernel row to the next' shaders/conv_tile.comp \
  ' + (next_row ? column_carry : 0)' '' ops-ops
sabotage 'conv-tile: no step from a kernel column to the next' shaders/conv_tile.comp \
  ' + (next_column ? block_carry : 0)' '' ops-ops
sabotage 'conv-tile: the last slice is left out' shaders/conv_tile.comp \
  's = 1; s < SLICES; s++' 's = 1; s < SLICES - 1; s++' ops-ops
sabotage 'conv-tile: the last sixteen products are all that count' shaders/conv_tile.comp \
  'sum[i] += vec4 (few[i])' 'sum[i] = vec4 (few[i])' ops-ops
sabotage 'conv-tile: what is left of K makes no turn' compute/ops/conv-tile.c \
  '(depth + turn - 1) / turn' 'depth / turn' ops-ops
sabotage 'depthwise-texel: neighbouring pixels read a column apart' shaders/depthwise_texel.comp \
  'x[i * STRIDE + k]' 'x[i + k]' ops-ops
sabotage 'depthwise-texel: the last tap is the one before' shaders/depthwise_texel.comp \
  'int (lane), TAPS - 1)' 'int (lane), TAPS - 2)' ops-ops
sabotage 'depthwise-texel: a row of a kernel has three taps' shaders/depthwise_texel.comp \
  'w[(r - j * STRIDE) * K + k]' 'w[(r - j * STRIDE) * 3 + k]' ops-ops
sabotage 'concat: the second map begins with its second channel' shaders/concat.comp \
  'min (max (c, a.first), a.channels - 1) - a.first;' 'min (max (c + 1, a.first), a.channels - 1) - a.first;' ops-ops
sabotage 'slice: channels begin with the map' shaders/slice.comp \
  'a.first + min (to, a.channels - 1)' 'min (to, a.channels - 1)' ops-ops
sabotage 'attend: places behind the last count' shaders/attend.comp \
  'place < count ? products[p] : LEAST' 'products[p]' ops-ops
sabotage 'attend: sums do not shrink where a larger product comes' shaders/attend.comp \
  '      sum[i] *= shrink[own + i];' '      sum[i] *= 1.0;' ops-ops
sabotage 'attend: the softmax is of the products as they are' shaders/attend.comp \
  'exp (weights[place][i] - most)' 'exp (weights[place][i])' ops-ops
sabotage 'attend: loops of any number of turns' compute/ops/attend.c \
  '+ CBAM_THREADS) < CBAM_MOST_TURNS' '+ CBAM_THREADS) < G_MAXUINT64' ops-needs
sabotage 'host: keys that only fill a vector up count' compute/run/host/loops.c \
  'weights[j] = -INFINITY;' 'weights[j] = 0;' ops-ops-host
sabotage 'shuffle: the second map begins' shaders/shuffle.comp \
  'vec4 (x0.x, x1.x, x0.y, x1.y)' 'vec4 (x1.x, x0.x, x1.y, x0.y)' ops-ops
sabotage 'conv-texel: of a texel that passes the first half is stored twice' shaders/conv_texel.comp \
  'vec4 (u.z, v.z, u.w, v.w)' 'vec4 (u.x, v.z, u.y, v.w)' ops-ops
sabotage 'conv-texel: more passes than there are channels' shaders/conv_texel.comp \
  'real_channels (s, first + b, a.channels)' 's' ops-ops
sabotage 'maps: every image of a batch reads the first' shaders/common/maps.glsl \
  '#define BEFORE(view) (gl_WorkGroupID.z * (view).frame)' '#define BEFORE(view) 0u' ops-ops
sabotage 'detect: a score equal to the threshold passes' shaders/detect.comp \
  'counts && score[i] > threshold' 'counts && score[i] >= threshold' nets-detector gst-meta
sabotage 'detect: sizes have the variance of centres' shaders/detect.comp \
  't.zw * vec2 (a.variance[2], a.variance[3])' 't.zw * vec2 (a.variance[0], a.variance[1])' ops-detect
sabotage 'detect: sizes without a limit' shaders/detect.comp \
  'exp (min (t.zw * vec2 (a.variance[2], a.variance[3]), vec2 (CBAM_DETECT_MAX_LOG_SIZE)))' \
  'exp (t.zw * vec2 (a.variance[2], a.variance[3]))' ops-detect
sabotage 'detect: the softmax subtracts the first logit, not the largest' shaders/detect.comp \
  'terms.x = max (terms.x, logits (pixel, c)[c % CBAM_TEXEL_CHANNELS]);' 'terms.x = terms.x;' ops-detect
sabotage 'detect: the softmax sum lacks a class' shaders/detect.comp \
  'for (uint c = first; c < first + a.n_classes; c++)
    terms.y' 'for (uint c = first + 1; c < first + a.n_classes; c++)
    terms.y' ops-detect
sabotage 'detect: classes that start inside a texel lose the last' shaders/detect.comp \
  'begin_texel + CHUNK + CBAM_TEXEL_CHANNELS' 'begin_texel + CHUNK' ops-detect
sabotage 'detect: classes not to be reported are' shaders/detect.comp \
  '(reported >> ((c + i - begin) & 31u) & 1u) != 0' '(reported | 1u) != 0' ops-detect
sabotage 'detect: the best score is the first one seen' shaders/detect.comp \
  'for (uint seen = best_bits; floatBitsToUint (best) > seen;' 'for (uint seen = best_bits; seen == 0;' ops-detect
sabotage 'detect: scores below the threshold are none' shaders/detect.comp \
  'best = max (best, counts ? score[i] : 0.0);' 'best = max (best, counts && score[i] > threshold ? score[i] : 0.0);' \
  ops-detect
sabotage 'detect: a distribution sees the bins of its neighbour' shaders/detect.comp \
  'mix (vec4 (-3e38), x, lessThan (bin, uvec4 (a.bins)))' 'x' ops-detect
sabotage 'detect: the bins of a distribution are exponentiated as they are' shaders/detect.comp \
  'exp (bin_logits (pixel, c, first) - largest)' 'exp (bin_logits (pixel, c, first))' ops-detect
sabotage 'detect: bins are numbered from the texel on, not from the first' shaders/detect.comp \
  'vec4 (int (c - first) + ivec4 (0, 1, 2, 3))' 'vec4 (int (c - begin) + ivec4 (0, 1, 2, 3))' ops-detect
sabotage 'detect: distances of a distribution are in widths both ways' shaders/detect.comp \
  'vec2 (a.variance[2], a.variance[3]) * anchor.zw;
  vec4 distance' 'vec2 (a.variance[2]) * anchor.zz;
  vec4 distance' ops-detect
sabotage 'reference: a distribution counts its bins from 1' compute/ops/detect.c \
  'weighed += likely * i;' 'weighed += likely * (i + 1);' ops-detect
sabotage 'spec: bins beside offsets are passed over' compute/file/spec.c \
  '  if (bins.node != NULL)
    cbam_item_fail (&bins, "none where output.boxes is not distribution");' '' spec
sabotage 'preprocess: chroma shift ignored' shaders/preprocess.comp \
  'clamp (at * vec2 (c.scale_x, c.scale_y) + vec2 (c.shift_x, c.shift_y),' \
  'clamp (at * vec2 (c.scale_x, c.scale_y),' ops-preprocess
sabotage 'preprocess: colours are not clamped' shaders/common/frame.glsl \
  'clamp (dot (raw, row.xyz) + row.w, 0.0, 255.0)' 'dot (raw, row.xyz) + row.w' ops-preprocess
sabotage 'preprocess: no fill right of a letterboxed picture' shaders/preprocess.comp \
  'at.y > -0.5 && at.x < end.x && at.y < end.y' 'at.y > -0.5 && at.y < end.y' ops-preprocess
sabotage 'border: the lower strip a row too high' shaders/common/border.glsl \
  'y += i < strip ? 0 : height;' 'y += i < strip ? 0 : height - 1;' ops-ops
sabotage 'border: the last cells are left out' shaders/common/border.glsl \
  '2 * border * (width + 2 * border + height)' '2 * border * (width + border + height)' ops-ops
sabotage 'conv-texel: nothing is added' shaders/conv_texel.comp \
  '      v += s;' '' ops-ops
sabotage 'conv-tile: what is added is another row' shaders/conv_tile.comp \
  'py * a.other.row + px * a.other.pixel' 'px * a.other.row + px * a.other.pixel' ops-ops
sabotage 'conv-single: no sigmoid' shaders/conv_single.comp \
  'a.sigmoid != 0 ? 1.0 / (1.0 + exp (-v)) : v' 'v' nets-nets
sabotage 'conv-single: the bias is that of the next channel' shaders/conv_single.comp \
  'LOAD_WEIGHT (a.bias).x' 'LOAD_WEIGHT (a.bias).y' ops-ops
sabotage 'deconv: input pixels outside of the map count as the nearest' shaders/deconv.comp \
  'const bool reaches = in_row >= 0 && in_column >= 0 && in_row' 'const bool reaches = in_row' ops-ops
sabotage 'deconv: every tap of a row counts' shaders/deconv.comp \
  'kx < a.kernel; kx += a.up_x, in_column--' 'kx < a.kernel; kx++, in_column--' ops-ops
sabotage 'combine: a single channel counts for the first only' shaders/combine.comp \
  'block)).xxxx' 'block))' ops-ops
sabotage 'combine: padding channels are left with what falls on them' shaders/combine.comp \
  'p.inside ? real_channels (v, block, a.channels) : vec4 (0.0)' 'p.inside ? v : vec4 (0.0)' ops-ops
sabotage 'combine: the third map is forgotten' shaders/combine.comp \
  'v *= VALUE (2);' '' ops-ops
sabotage 'reduce: a mean is a sum' shaders/common/reduce.glsl \
  'v = p.sum / float (a.width * a.height);' 'v = p.sum;' ops-ops
sabotage 'reduce: exponentials are not shifted back' shaders/common/reduce.glsl \
  'v = p.largest + log (p.exponentials);' 'v = log (p.exponentials);' ops-ops
sabotage 'reduce: the norm is not rooted' shaders/common/reduce.glsl \
  'v = sqrt (p.squares);' 'v = p.squares;' ops-ops
sabotage 'reduce: pixels past the end of a row count again' shaders/common/reduce.glsl \
  'const vec4 real = column + i <= last ? x : vec4 (0.0);' 'const vec4 real = x;' ops-ops
sabotage 'channel-pool: padding channels can be the largest' shaders/channel_pool.comp \
  'left > 3 ? x.w : x.x' 'x.w' ops-ops
sabotage 'channel-pool: the mean counts padding channels' shaders/channel_pool.comp \
  '/ float (a.channels);' '/ float ((a.channels + 3) / 4 * 4);' ops-ops
sabotage 'channel-gate: hidden channels may be negative' shaders/common/channel_gate.glsl \
  'activate (bias + products.x + products.y + products.z + products.w, a.lo, a.hi)' \
  '(bias + products.x + products.y + products.z + products.w)' ops-ops
sabotage 'channel-gate: only the first pool counts' shaders/common/channel_gate.glsl \
  'pooled[i * blocks + block];' 'pooled[block];' ops-ops
sabotage 'cbam: the spatial kernel lacks a column' shaders/cbam.comp \
  'const int first_column = max (column - reach, 0)' 'const int first_column = max (column - reach + 1, 0)' ops-ops
sabotage 'cbam: largest and mean change places' shaders/cbam.comp \
  'pixels[0][p] = a.mean_first != 0 ? pool.y : pool.x;' 'pixels[0][p] = a.mean_first != 0 ? pool.x : pool.y;' ops-ops
sabotage 'cbam: the spatial gate is not told' shaders/cbam.comp \
  'vec4 (gate, 0.0, 0.0, 0.0)' 'vec4 (0.0)' golden
sabotage 'resize: corners are aligned' shaders/resize.comp \
  '(vec2 (pixel) + 0.5) * vec2 (in_size) / vec2 (size) - 0.5' 'vec2 (pixel) * vec2 (in_size) / vec2 (size)' ops-ops
sabotage 'resize: the last pixel reads past the map' shaders/resize.comp \
  'min (near + 1, in_size - 1)' '(near + 1)' ops-ops
sabotage 'turn: channels of a block in another order' shaders/turn.comp \
  '[channel % CBAM_TEXEL_CHANNELS]' '[3u - channel % CBAM_TEXEL_CHANNELS]' ops-ops
sabotage 'grad-cam: other classes do not speak against it' shaders/grad_cam.comp \
  '(own - weights (k, block, tap))' 'own' golden
sabotage 'grad-cam: taps outside of the map count' shaders/grad_cam.comp \
  'if (row >= 0 && row < int (a.height) && column >= 0 && column < int (a.width))' 'if (row > -9)' golden
sabotage 'grad-cam: what speaks against it shows too' shaders/grad_cam.comp \
  'max (evidence, 0.0)' 'evidence' golden nets-explain

# Graph: fusions, memory, barriers.
sabotage 'fuse: a batch norm without its mean' compute/ops/batch_norm.c \
  '(bias->values[c] - norm->mean->values[c]) * scale' 'bias->values[c] * scale' nets-nets
sabotage 'fuse: a batch norm without its epsilon' compute/ops/batch_norm.c \
  '/ sqrt (norm->variance->values[c] + norm->eps)' '/ sqrt (norm->variance->values[c])' nets-nets
sabotage 'fuse: merged heads have conf rows first' compute/ops/detect.c \
  '  p->conf_channel = (guint) n_loc;' '  p->conf_channel = 0;' nets-nets
sabotage 'fuse: a parity class has its kernel the other way round' compute/ops/deconv.c \
  'y.first_tap + (y.n - 1 - ty) * p->up_y' 'y.first_tap + ty * p->up_y' nets-nets
sabotage 'fuse: parity classes are one pixel off' compute/ops/deconv.c \
  '(gint) x.n - 1 - x.base' '(gint) x.n - x.base' nets-nets
sabotage 'fuse: a sum whose other part is another sum' compute/ops/add.c \
  'conv->inputs[1] = other;' 'conv->inputs[1] = conv->outputs[0];' nets-nets
sabotage 'fuse: a sum is taken along before its other part is made' compute/ops/add.c \
  'cbam_graph_find_place (graph, writer) > cbam_graph_find_place (graph, conv) ||' '' random-graphs
sabotage 'add: the activation is no activation' compute/ops/add.c \
  'args->lo = cbam_add_params (node)->lo;' 'args->lo = -1e30f;' ops-ops
sabotage 'fuse: shuffled with what is not made yet' compute/ops/shuffle.c \
  ' ||
      cbam_graph_find_place (graph, writer) > cbam_graph_find_place (graph, conv))' ')' random-graphs
sabotage 'fuse: a convolution takes the first channels for any' compute/ops/slice.c \
  'first_channel += cbam_slice_params (slice)->first;' 'first_channel += 0;' random-graphs
sabotage 'fuse: a channel gate with its pools one short' compute/ops/channel_gate.c \
  '(CbamChannelGateParams){ *cbam_global_pool_params (pool),' \
  '(CbamChannelGateParams){ { 1, { CBAM_REDUCE_MEAN } },' ops-ops
sabotage 'run: levels are kept before they are made' compute/run/vulkan/slot.c \
  'value->last != (gint) s)' 'value->first != (gint) s + 1)' golden
sabotage 'plan: a map that several fill lives from the last of them' compute/engine/plan.c \
  'out->first = out->first < 0 ? (gint) s : out->first;' \
  'out->first = (gint) s;' nets-nets
sabotage 'plan: a map may lie on one that dies where it is born' compute/engine/plan.c \
  'value->first <= other->last && other->first <= value->last' \
  'value->first < other->last && other->first < value->last' nets-nets
sabotage 'plan: no barrier before a write over what was read' compute/engine/plan.c \
  'if (!a->written && !b->written)' 'if (!a->written)' nets-detector random-graphs
sabotage 'plan: no barrier after a write' compute/engine/plan.c \
  'if (!a->written && !b->written)' 'if (!b->written)' nets-detector random-graphs
sabotage 'run: no barrier after the upload' compute/run/vulkan/intake.c \
  '  cbam_commands_barrier_all (slot->intake);
  cbam_vulkan_slot_record_timestamp (slot, slot->intake, 0);' '  cbam_vulkan_slot_record_timestamp (slot, slot->intake, 0);' \
  nets-nets ops-preprocess
sabotage 'intake: what was recorded for images serves copies too' compute/run/vulkan/intake.c \
  'input->thin || slot->source != CBAM_PIXELS_WRITTEN)' 'input->thin || slot->source == CBAM_PIXELS_IMPORTED)' nets-vulkan-frames
sabotage 'intake: the frame'"'"'s own memory is read as the copy before it' compute/run/vulkan/slot.c \
  'slot->source == CBAM_PIXELS_IMPORTED ? slot->imported : slot->pixels' 'slot->pixels' ops-preprocess
sabotage 'in place: every plane begins where the first does' compute/detect/image.c \
  'ret_placement->offsets[p] = start - first;' 'ret_placement->offsets[p] = 0;' ops-preprocess
sabotage 'in place: rows are packed' compute/detect/image.c \
  'ret_placement->strides[p] = stride;' 'ret_placement->strides[p] = row_bytes (image, p);' ops-preprocess
sabotage 'images: chroma is copied from where luma lies' compute/detect/image.c \
  '(gint32) (x >> layout->row_sub[p])' '(gint32) x' nets-vulkan-frames
sabotage 'images: rows follow each other without a gap' compute/detect/image.c \
  '.bufferRowLength = (guint32) (placement->strides[p] / bytes)' '.bufferRowLength = 0' nets-vulkan-frames
sabotage 'thin: two lines before each position and none behind' compute/detect/thin.c \
  'floor ((first - 0.5) * CBAM_THIN_ONE)' 'floor ((first - 2.5) * CBAM_THIN_ONE)' ops-preprocess
sabotage 'thin: lines belong to the position before them' shaders/preprocess.comp \
  '(float (line) - axis.middle) * axis.inv_step' '(float (line) - axis.middle) * axis.inv_step - 0.5' ops-preprocess
sabotage 'thin: frames are read by the kernel for whole ones' compute/run/vulkan/slot.c \
  'slot->thin && slot->program->thin[s]' 'FALSE' ops-preprocess nets-detector
sabotage 'adopted: the queue is used without its lock' compute/vk/device.c \
  '  if (device->owner.lock != NULL)
    device->owner.lock (device->owner.data);' '' nets-vulkan-frames
sabotage 'vulkan: the state of an image stays what it was' gst/frame/gstcbamvulkan.c \
  '  note_reading (buffer);' '' gst-vulkan
sabotage 'vulkan: frames are not waited for' gst/stream/gstcbaminlet.c \
  '  gst_cbam_vulkan_settle (&self->vulkan, buffer);' '' gst-vulkan
sabotage 'vulkan: an image may be smaller than the frame' gst/frame/gstcbamvulkan.c \
  'if (width >= image->width && height >= image->height)' 'if (width > 0)' gst-vulkan
sabotage 'vulkan: idle without having waited' compute/vk/device.c \
  'cbam_device_submit (device, &nothing, fence, error) && cbam_device_wait (device, fence, error)' \
  'cbam_device_submit (device, &nothing, fence, error)' nets-vulkan-frames
sabotage 'slot: a frame that was not submitted is kept' compute/run/vulkan/slot.c \
  '    cbam_vulkan_intake_forget_frame (slot); /* its' '    (void) 0; /* its' nets-slots
sabotage 'device: a failed wait ends nothing' compute/vk/device.c \
  '  park (device, result == VK_TIMEOUT ?' '  if (result == VK_TIMEOUT) park (device, result == VK_TIMEOUT ?' nets-slots
sabotage 'device: a failed binding goes unnoticed' compute/vk/memory.c \
  'device->vk.vkBindBufferMemory (device->handle, buffer->handle, buffer->memory, 0),
                            "vkBindBufferMemory", error);
}

static gboolean
buffer_map' '(device->vk.vkBindBufferMemory (device->handle, buffer->handle, buffer->memory, 0), VK_SUCCESS),
                            "vkBindBufferMemory", error);
}

static gboolean
buffer_map' faults
sabotage 'device: what a failed call left is taken for made' compute/vk/device.h \
  '(*(object) = VK_NULL_HANDLE, FALSE)' 'FALSE' faults
sabotage 'device: a lost one keeps what it made' compute/vk/device.c \
  '  if (result != VK_ERROR_DEVICE_LOST)
    g_atomic_int_set (&device->hung, TRUE);' '  g_atomic_int_set (&device->hung, TRUE);' faults
sabotage 'device: what hangs is freed' compute/vk/device.c \
  'return g_atomic_int_get (&device->hung);' 'return FALSE;' faults
sabotage 'device: waits have no limit' compute/vk/device.c \
  'return LIMIT + (guint)' 'return 0 * (guint)' faults
sabotage 'device: others in line do not count' compute/vk/device.c \
  '} while (result == VK_TIMEOUT &&' '} while (FALSE && result == VK_TIMEOUT &&' faults
sabotage 'pipeline: its shader stays' compute/vk/pipeline.c \
  '  device->vk.vkDestroyShaderModule (device->handle, module, NULL);' '' faults
sabotage 'collector: frames of a device that hangs go' gst/stream/gstcbamcollector.c \
  '    keep_for_good (buffer);' '    (void) buffer, (void) keep_for_good;' gst-faults
sabotage 'settings: the timeout is not told' gst/stream/gstcbamenginesettings.c \
  'if (settings->timeout >= 0)' 'if (settings->timeout > G_MAXINT - 1)' gst-faults
sabotage 'run: the count of hits is not flushed' compute/nets/levels.c \
  'graph->batch == 1 ? levels->hits + CBAM_LEVELS_HEADER :' 'graph->batch == 1 ? levels->hits / 2 :' ops-detect
sabotage 'memory: a flush moves nothing' compute/vk/memory.c \
  'memcpy (buffer->mapped + range.offset, buffer->map + range.offset, range.size);' '(void) 0;' ops-detect
sabotage 'memory: the last atom is not flushed' compute/vk/memory.c \
  '(offset + size + atom - 1) / atom * atom' '(offset + size) / atom * atom' ops-preprocess ops-detect

# Ops: what the host computes for the kernels.
sabotage 'conv: borders a pixel too narrow on the far side' compute/ops/conv.c \
  'last - (gint) (input - 1)' 'last - (gint) input' ops-ops
sabotage 'needs: a device without 64-bit integers gets them all the same' compute/engine/op.c \
  'caps->int64 || variant->narrow == NULL ?' 'TRUE ?' ops-needs nets-vulkan-frames
sabotage 'needs: nobody counts storage buffers' compute/engine/shader.c \
  'reader->needs.storage_buffers++;' '' ops-needs
sabotage 'needs: CBAM is one dispatch on every device' compute/engine/plan.c \
  '!cbam_op_runs (cbam_ops[o], type_of (precision), caps)' 'FALSE' ops-needs
sabotage 'needs: devices of Vulkan 1.0 are offered' compute/vk/device-list.c \
  'properties.apiVersion >= VK_API_VERSION_1_1' 'properties.apiVersion >= VK_API_VERSION_1_0' ops-needs
sabotage 'detect: boxes lie where candidates do where both are bound as one' compute/nets/levels.c \
  'params->boxes = (guint) (levels->boxes / sizeof (guint32));' 'params->boxes = params->hits;' ops-detect ops-needs
sabotage 'conv: weights are padded to a multiple of every tile' compute/ops/conv.c \
  'gsize channels = cbam_conv_channels (node), tile = MAX (variant->tile[0], CBAM_CONV_GROUP);' \
  'gsize channels = cbam_conv_channels (node), tile = 192;' ops-ops
sabotage 'conv: no room for whole tiles that are shuffled' compute/ops/conv.c \
  'fits_pointwise_shuffle, tile_cost, dispatch_texel, (channels) / 2)' \
  'fits_pointwise_shuffle, tile_cost, dispatch_texel, (channels) / 4)' ops-ops
sabotage 'conv: kernels are packed upside down' compute/ops/conv.c \
  'to[tap * strides->tap]' 'to[(taps - 1 - tap) * strides->tap]' ops-ops

sabotage 'channel-gate: the second bias counts once' compute/ops/channel_gate.c \
  'params->second.bias->values[c] * (float) params->pool.n' 'params->second.bias->values[c]' ops-ops
sabotage 'deconv: weights stay [in, out]' compute/ops/deconv.c \
  '    swap_channels (params.weight);' '    ;' golden

# Recipes.
sabotage 'stairnet: lists run from fine to coarse' compute/nets/stairnet.c \
  'const guint j = net->n_sources - 1 - source;' 'const guint j = source;' golden
sabotage 'stairnet: convolutions after the sum are counted from the seeds' compute/nets/stairnet.c \
  'const guint j = net->spec->network.levels - 1 - level;' 'const guint j = net->n_sources - 1 - level;' golden
sabotage 'stairnet: a step of one pixel to three is a step of two' compute/nets/stairnet.c \
  '*ret_pad = doubles ? 1 : 0;' '*ret_pad = 1;' golden
sabotage 'cbam: side by side is one after the other' compute/nets/cbam.c \
  'attention->order == CBAM_ORDER_PARALLEL ? seen : x' 'x' golden
sabotage 'cbam: pooled maps in the other order' compute/nets/cbam.c \
  'attention->spatial_input == CBAM_SPATIAL_INPUT_MEAN_MAX);' 'attention->spatial_input != CBAM_SPATIAL_INPUT_MEAN_MAX);' golden
sabotage 'bam: always multiplied' compute/nets/bam.c \
  'attention.combine == CBAM_COMBINE_ADD' 'attention.combine == 7' golden
sabotage 'bam: not dilated' compute/nets/bam.c \
  'const guint dilation = kernel > 1 ? net->spec->network.attention.dilation : 1;' 'const guint dilation = 1;' golden
sabotage 'eca: taps are not centred' compute/nets/eca.c \
  '.pad = kernel / 2' '.pad = 0' golden
sabotage 'self: keys are queries' compute/nets/self.c \
  'pointwise (net, prefix, "key_conv"' 'pointwise (net, prefix, "query_conv"' golden
sabotage 'self: a classifier shows what has no weights' compute/nets/attention.c \
  ' || (gates->channel.map == NULL && gates->spatial.map == NULL))' ')' networks
sabotage 'self: pairs of places cost as much as places' compute/ops/attend.c \
  'count_places (node) * count_places (node) *' 'count_places (node) *' networks
sabotage 'mobilenet: attention after the depthwise convolution only' compute/nets/mobilenet_v1.c \
  'return cbam_net_attend_in_block (net, after_pointwise, pointwise, x, NULL);' 'return x;' golden
sabotage 'shufflenet: a unit works on the half that passes' compute/nets/shufflenet_v2.c \
  'cbam_graph_slice (net->graph, name, x, half, half)' 'cbam_graph_slice (net->graph, name, x, 0, half)' golden
sabotage 'resnet: the stride is always in the 3x3' compute/nets/resnet.c \
  'net->spec->network.stride_place == CBAM_STRIDE_PLACE_1X1' 'FALSE' golden networks
sabotage 'resnet: attention sees the sum' compute/nets/resnet.c \
  '  x = cbam_net_attend_in_block (net, prefix, name, x, NULL);
  x = cbam_graph_add (net->graph, name, x, other);' \
  '  x = cbam_graph_add (net->graph, name, x, other);
  x = cbam_net_attend_in_block (net, prefix, name, x, NULL);' golden
sabotage 'resnet: attention behind the last stage, too' compute/nets/resnet.c \
  'if (s + 1 < network->n_strides)' 'if (TRUE)' golden networks
sabotage 'resnet: a wide one is wide at the ends of its bottlenecks, too' compute/nets/resnet.c \
  'is_bottleneck ? EXPANSION * narrow : width' 'is_bottleneck ? EXPANSION * width : width' golden
sabotage 'networks: attention between stages that there are not' compute/nets/nets.c \
  'cbam_net_attends_between_stages (net) && !backbone->has_stages' 'FALSE' networks
sabotage 'spec: a ResNet has all its stages' compute/nets/spec.c \
  'strides.node != NULL ? cbam_item_length (&strides) : CBAM_MAX_STAGES' 'CBAM_MAX_STAGES' spec golden
sabotage 'mobilenet_v2: channels are rounded down' compute/nets/mobilenet_v2.c \
  'channels + divisor / 2.0' 'channels' networks golden
sabotage 'mobilenet_v2: what is a tenth less is near enough' compute/nets/mobilenet_v2.c \
  'nearest < 0.9 * channels' 'nearest < 0.5 * channels' golden
sabotage 'mobilenet_v2: nothing is added' compute/nets/mobilenet_v2.c \
  'if (net->graph->error == NULL && adds)' 'if (net->graph->error == NULL && adds && FALSE)' golden
sabotage 'mobilenet_v2: extras add as well' compute/nets/mobilenet_v2.c \
  '!block->is_extra && block->stride == 1' 'block->stride == 1' golden
sabotage 'ssd_head: a separable head has no activation' compute/nets/ssd_head.c \
  'return cbam_net_conv (' 'return cbam_net_linear_conv (' golden
sabotage 'ssd_head: Grad-CAM looks at what comes before the depthwise convolution' compute/nets/ssd_head.c \
  'level->evidence = evidence_for (net, "conf", l);
    conf = conv (net, "conf", l, level->evidence,' 'level->evidence = level->features, level->evidence->keepable = TRUE;
    conf = conv (net, "conf", l, evidence_for (net, "conf", l),' golden
sabotage 'stairnet: two convolutions after the sum have one name' compute/nets/stairnet.c \
  'b > 0 ? g_strdup_printf' 'b > 1 ? g_strdup_printf' golden
sabotage 'spec: every leaky ReLU has the usual slope' compute/nets/spec.c \
  '    params.lo = (float) slope;' '    params.lo = 0.1f;' spec golden
sabotage 'explain: logits are given for weights' compute/explain.c \
  'gate->is_logit && i < n' 'FALSE && i < n' golden
sabotage 'explain: maps lie over the frame, not over what the network saw' compute/explain.c \
  '.y = frame->shift_y,' '.y = 0,' nets-explain
sabotage 'explain: a detection of a coarse level is looked for on the finest' compute/explain.c \
  'prior >= level[1].prior' 'FALSE' golden nets-explain

# Frames in.
sabotage 'image: green loses blue the wrong way' compute/detect/image.c \
  '{ -2 * kb * (1 - kb) / kg,' '{ 2 * kb * (1 - kb) / kg,' ops-preprocess
sabotage 'image: BT.709 is a little off' compute/detect/image.c \
  '{ 0.2126, 0.0722 }' '{ 0.2226, 0.0722 }' ops-preprocess
sabotage 'image: limited range is stretched as if full' compute/detect/image.c \
  '255.0 / 219.0 : 1.0' '1.0 : 1.0' ops-preprocess
sabotage 'image: strides are ignored' compute/detect/image.c \
  'image->planes[p] + y * from, bytes' 'image->planes[p] + y * bytes, bytes' ops-preprocess gst-formats
sabotage 'image: letterboxed pictures stand in the corner' compute/detect/image.c \
  '(width - x.scale * input->width) / 2' '0' ops-preprocess

# Detections out.
sabotage 'detector: boxes are not clipped on the right' compute/detections.c \
  'right = CLAMP (box.x1, 0, width)' 'right = box.x1' nets-detector
sabotage 'detector: slots are collected backwards' compute/detector.c \
  'detector->tail = (detector->tail + 1)' 'detector->tail = (detector->tail + detector->n_slots - 1)' nets-detector
sabotage 'detector: parameters of the model, not of the frame' compute/detector.c \
  '  return given != 0 ? MAX (given, 0) : own;' '  return own;' nets-detector
sabotage 'detector: a box is as wide as its right edge lies' compute/detections.c \
  'ret_detection->width = right - left;' 'ret_detection->width = right;' nets-detector
sabotage 'model: a changed file is the same model' compute/model.c \
  '(guint64) info.st_mtim.tv_sec, (gulong) info.st_mtim.tv_nsec' '(guint64) 0, (gulong) 0' model-file
sabotage 'model: one model for all devices' compute/model.c \
  '(void *) wanted->device, wanted->precision, wanted->may_fall_back, wanted->batch' \
  '(void *) NULL, wanted->precision, wanted->may_fall_back, wanted->batch' nets-detector
sabotage 'model: loaded under the lock of the table' compute/model.c \
  '  g_mutex_unlock (&loaded_lock);
  model = load_alone (wanted, key, &local);
  g_mutex_lock (&loaded_lock);' '  model = load_alone (wanted, key, &local);' nets-sharing
sabotage 'model: two who want the same load it twice' compute/model.c \
  '  if (load != NULL)
    return wait_for_load' '  if (FALSE)
    return wait_for_load' nets-sharing
sabotage 'model: who waited gets no reference' compute/model.c \
  'g_atomic_int_add (&model->refs, (gint) load->n_waiting);' '(void) 0;' nets-sharing
sabotage 'device: references go under the lock of instances' compute/vk/device.c \
  '  if (cbam_refs_drop_unless_last (&device->refs))
    return FALSE;' '  g_rec_mutex_lock (&cbam_vk_instances);
  g_rec_mutex_unlock (&cbam_vk_instances);' nets-sharing
sabotage 'turns: who is ahead goes on' compute/vk/turns.c \
  'share->had > other->had + lead' 'FALSE && share->had > other->had + lead' turns
sabotage 'turns: who wanted nothing has saved it up' compute/vk/turns.c \
  'share->had = MAX (share->had, turns->level);' '(void) 0;' turns
sabotage 'turns: live frames stand behind anything' compute/vk/turns.c \
  'ticket->turn != CBAM_TURN_LIVE ||' 'TRUE ||' turns
sabotage 'turns: a frame takes what the queue takes' compute/vk/turns.c \
  'now - MAX (ticket->entered, turns->since)' 'now - ticket->entered' turns
sabotage 'turns: what nobody timed takes no time' compute/vk/turns.c \
  '#define UNKNOWN_SECONDS 30.0' '#define UNKNOWN_SECONDS 0.0' turns
sabotage 'model: endless weights are taken' compute/model.c \
  'if (isfinite (param->values[i]))' 'if (param->values[i] < INFINITY)' model-file
sabotage 'nms: the limit itself is too much' compute/detect/nms.c \
  'return overlap (stronger, box, rule) > limit;' 'return overlap (stronger, box, rule) >= limit;' nms
sabotage 'nms: top-k counts those kept' compute/detect/nms.c \
  'scratch.n_entered[group] == params->top_k' 'scratch.n_kept[group] == params->top_k' nms
sabotage 'nms: ties are broken by class only' compute/detect/nms.c \
  '  sort_by (scratch, candidates, n, prior_key);' '' nms
sabotage 'nms: across classes means within one, too' compute/detect/nms.c \
  'reported[i].class_id != box.class_id && is_crowd' 'is_crowd' nms
sabotage 'nms: what goes across classes leaves its own class alone' compute/detect/nms.c \
  '    scratch.kept[scratch.first[group] + scratch.n_kept[group]++] = (guint32) i; /* whatever other classes have */
    if (params->nms_across < 1 && is_named (candidates, n_out, &scratch.sorted[i], params->nms_across, &rule))
      continue;' \
  '    if (params->nms_across < 1 && is_named (candidates, n_out, &scratch.sorted[i], params->nms_across, &rule))
      continue;
    scratch.kept[scratch.first[group] + scratch.n_kept[group]++] = (guint32) i;' nms
sabotage 'spec: an object has one name unless the file says otherwise' compute/file/spec.c \
  '"across", &unit_interval, 1)' '"across", &unit_interval, 0.45)' spec
sabotage 'detector: across classes the file has the last word' compute/detector.c \
  'choose (ret_params->nms_across, own->nms_across)' 'own->nms_across' nets-detector
sabotage 'settings: nms-across=0 is what the model file says' gst/stream/gstcbamsettings.c \
  'settings->nms_across > 0 ? (float) settings->nms_across : -1' '(float) settings->nms_across' gst-settings
sabotage 'cbam-run: --nms-across 0 is what the model file says' tools/run/cbam-run.c \
  'options.nms_across > 0 ? (float) options.nms_across : -1' '(float) options.nms_across' tools-cbam_run
sabotage 'cbam-eval: across classes as the model file says' tools/eval/detector-eval.c \
  'run->params.nms_across = run->options->nms_across > 0 ? (float) run->options->nms_across : -1;' '' eval-program
sabotage 'anchors: the larger square is the mean, not the root' compute/nets/anchors.c \
  'sqrt (size * spec->max_size[level])' '(size + spec->max_size[level]) / 2' anchors
sabotage 'anchors: centres on the corners of cells' compute/nets/anchors.c \
  '(j + offset) * step_x' 'j * step_x' anchors
sabotage 'anchors: tall before wide' compute/nets/anchors.c \
  'size * root / input_width, size / root / input_height' \
  'size / root / input_width, size * root / input_height' anchors

# Model files.
sabotage 'safetensors: a tensor may end a byte past the file' compute/file/safetensors.c \
  'if (extent->end > data_size)' 'if (extent->end > data_size + 1)' safetensors
sabotage 'safetensors: tensors may share a byte' compute/file/safetensors.c \
  'if (after->begin >= before->end)' 'if (after->begin + 1 >= before->end)' safetensors
sabotage 'safetensors: small halves are half as large' compute/engine/half.c \
  'exponent = 127 - 14' 'exponent = 127 - 15' safetensors
sabotage 'safetensors: the header may reach past the file' compute/file/safetensors.c \
  'if (length > size - LENGTH_BYTES)' 'if (length > size)' safetensors
sabotage 'spec: a larger square smaller than the square' compute/file/spec.c \
  'above_min = { anchors->min_size[l],' 'above_min = { 0,' spec
sabotage 'spec: steps are [width, height]' compute/file/spec.c \
  'anchors->step_x[l] = cbam_item_to_double (w,' \
  'anchors->step_x[l] = cbam_item_to_double (h,' spec
sabotage 'spec: nameless classes are reported' compute/file/spec.c \
  'return !g_str_equal (output->classes[class_id], "???");' 'return TRUE;' spec

# The element.
sabotage 'fifo: last in, first out' gst/stream/gstcbamfifo.c \
  'gst_queue_array_pop_head_struct (fifo->items)' 'gst_queue_array_pop_tail_struct (fifo->items)' gst-flow
sabotage 'fifo: end of stream from downstream lasts' gst/stream/gstcbamfifo.c \
  'fifo->flow == GST_FLOW_EOS && restarts (&item)' 'fifo->flow == GST_FLOW_EOS && FALSE' gst-flow
sabotage 'fifo: one slot that comes back frees all' gst/stream/gstcbamfifo.c \
  'fifo->slots_taken--;' 'fifo->slots_taken = 0;' gst-flow
sabotage 'fifo: results of before a flush are kept' gst/stream/gstcbamfifo.c \
  '    cbam_result_unref (gst_cbam_flight_take (item->flight, GST_BUFFER_CAST (item->object), NULL, NULL));' '    (void) 0;' gst-stress
sabotage 'collector: slots come back when somebody takes the result' gst/stream/gstcbamcollector.c \
  '      collector->return_slot (collector->data);
    g_mutex_lock (&collector->lock);' '      (void) 0;
    g_mutex_lock (&collector->lock);
    while (collector->flights.length == 0 && !collector->stop)
      g_cond_wait (&collector->added, &collector->lock);
    collector->return_slot (collector->data);' gst-flow gst-streams
sabotage 'inlet: live frames stand in the queue of others' gst/stream/gstcbaminlet.c \
  'settings->live ? CBAM_TURN_LIVE : CBAM_TURN_FAIR' 'CBAM_TURN_NOW' gst-streams
sabotage 'fifo: the line has no end' gst/stream/gstcbamfifo.c \
  'is_full (fifo, frames, age))' 'FALSE)' gst-live
sabotage 'fifo: frames in line do not age' gst/stream/gstcbamfifo.c \
  'return g_get_monotonic_time () - item->arrived >= age;' 'return FALSE;' gst-live
sabotage 'inlet: live frames wait for a slot' gst/stream/gstcbaminlet.c \
  '!settings->live, &slot' 'TRUE, &slot' gst-flow
sabotage 'inlet: a longer interval is sat out' gst/stream/gstcbaminlet.c \
  '  self->until_next = MIN (self->until_next, settings->interval);' '' gst-settings
sabotage 'inlet: late for good means never inferred' gst/stream/gstcbaminlet.c \
  'now - last < period' 'now >= last' gst-live
sabotage 'qos: upstream hears of every delay' gst/stream/gstcbamqos.c \
  'timestamp - qos->late_since > PATIENCE' 'TRUE' gst-live
sabotage 'qos: lateness outlives a flush' gst/stream/gstcbamoutlet.c \
  '  gst_cbam_qos_reset (&stream->qos);' '' gst-live
sabotage 'publisher: detections are carried into other frames' gst/stream/gstcbampublisher.c \
  '  set_last (self, NULL, GST_CLOCK_TIME_NONE);
  self->canvas.negotiated = FALSE;' '  self->canvas.negotiated = FALSE;' gst-settings
sabotage 'publisher: what is carried may be of any age' gst/stream/gstcbampublisher.c \
  'if (last != NULL)' 'if (FALSE)' gst-settings
sabotage 'selection: labels have their case' gst/stream/gstcbamselection.c \
  'g_utf8_casefold (b, -1)' 'g_strdup (b)' gst-settings
sabotage 'session: another one for every stream' compute/vk/device.c \
  'share ? find_opened (device) : NULL' 'NULL' gst-streams model-file
sabotage 'turned: a reversed axis begins at its first sample' compute/detect/image.c \
  'c->offset += (columns - 1) * c->step;' '' ops-preprocess
sabotage 'turned: chroma sits as if nothing were turned' compute/detect/image.c \
  'c->shift_y = (float) (c->height - 1) - (float) (image->height - 1) * c->scale_y - c->shift_y;' '' ops-preprocess
sabotage 'turned: the way back forgets one axis' compute/detect/orientation.c \
  '{ b.x0, height - b.y1, b.x1, height - b.y0 }' '{ b.x0, b.y0, b.x1, b.y1 }' orientation nets-detector
sabotage 'turned: groups of lines count from the near end' compute/detect/image.c \
  'reverse ? extent - CBAM_THIN_LINES' 'FALSE ? extent - CBAM_THIN_LINES' ops-preprocess nets-vulkan-frames
sabotage 'turned: of a thinned frame the last line is that of the whole' compute/detect/image.c \
  'c->offset += (lines - 1) * c->row;' 'c->offset += (c->height - 1) * c->row;' ops-preprocess nets-vulkan-frames
sabotage 'turned: maps are mirrored, not turned' compute/detect/orientation.c \
  'turn->swap ? upright[from_x * height + from_y]' 'turn->swap ? upright[x * height + y]' orientation nets-explain
sabotage 'orientation: the global tag goes before the stream'"'"'s' gst/stream/gstcbamorientation.c \
  'own ? orientation->of_stream : orientation->of_all' \
  'orientation->of_all != NOT_A_WORD ? orientation->of_all : orientation->of_stream' gst-orientation
sabotage 'orientation: what videoflip has turned is turned again' gst/stream/gstcbamorientation.c \
  'tag != GST_VIDEO_ORIENTATION_IDENTITY && are_turned_upstream' \
  'tag == GST_VIDEO_ORIENTATION_IDENTITY && are_turned_upstream' gst-orientation
sabotage 'orientation: images on a device are seen as they lie' gst/stream/gstcbamsession.c \
  'image.orientation = orientation;
  return gst_cbam_vulkan_submit' 'return gst_cbam_vulkan_submit' gst-vulkan
sabotage 'crop: chroma lies where luma does' compute/detect/image.c \
  '(*ret_y >> layout->column_sub[p]) * stride' '*ret_y * stride' gst-settings
sabotage 'crop: odd edges move inwards' compute/detect/image.c \
  'region->x - *ret_x + (guint64) region->width + unit_x - 1' 'region->x - *ret_x + (guint64) region->width' gst-settings
sabotage 'detector: the limit is for unwanted classes too' compute/detections.c \
  '    nms.max_detections = 0; /* of those asked for */' '    nms.max_detections = params->max_detections;' \
  nets-detector
sabotage 'latency: never sinks' gst/stream/gstcbamlatency.c \
  '2 * latency->longest < latency->ceiling' 'FALSE' gst-flow
sabotage 'outlet: the segment is forgotten' gst/stream/gstcbamoutlet.c \
  '      gst_event_copy_segment (event, &self->publisher.segment);' '' gst-meta
sabotage 'meta: running time is stream time' gst/meta/gstcbammeta.c \
  'gst_segment_to_running_time (segment,' 'gst_segment_to_stream_time (segment,' gst-meta
sabotage 'meta: a region is its two corners' gst/meta/gstcbammeta.c \
  'left, top, right - left, bottom - top' 'left, top, right, bottom' gst-meta
sabotage 'meta: relative height by the width' gst/meta/gstcbammeta.c \
  '(d->y + d->height) / height, 1.0' '(d->y + d->height) / width, 1.0' gst-meta
sabotage 'latency: frames beside a load count' gst/stream/gstcbamlatency.c \
  'latency->disturbances > 0 || ' '' gst-flow
sabotage 'latency: ours is not added' gst/stream/gstcbamlatency.c \
  '  min += latency->ceiling;' '' gst-flow
sabotage 'latency: raised without room to spare' gst/stream/gstcbamlatency.c \
  'held + held / 4' 'held' gst-flow
sabotage 'attention: maps are scaled across as they are down' gst/meta/gstcbamattentionmeta.c \
  'move_double (map, "over-y", placement->scale[1],' 'move_double (map, "over-y", placement->scale[0],' gst-attention
sabotage 'attention: maps of any size are read' gst/meta/gstcbamattentionmeta.c \
  'n == 0 || gst_buffer_get_size (buffer) != n * sizeof (float)' 'n == 0' gst-attention
sabotage 'regions: what scalers drop is lost' gst/stream/gstcbampublisher.c \
  '  gst_cbam_regions_meta_keep (buffer, first);' '' gst-cbamjson
sabotage 'regions: each of them leaves a name behind' gst/meta/gstcbamregionmeta.c \
  'GstStructure *copy = gst_structure_copy (detection);' \
  'GstStructure *copy = gst_structure_copy (detection); g_quark_from_string (g_strdup_printf ("%d", region->id));' \
  gst-regions
sabotage 'regions: found by number alone' gst/meta/gstcbamregionmeta.c \
  'g_strcmp0 (label, own) == 0' 'TRUE' \
  gst-regions
sabotage 'regions: those of others are kept with ours' gst/meta/gstcbamregionmeta.c \
  'gst_meta_get_seqnum (meta) >= first' 'TRUE' gst-regions
sabotage 'regions: the first one of the process is lost' gst/meta/gstcbamregionmeta.c \
  'gst_meta_get_seqnum (meta) >= first' 'gst_meta_get_seqnum (meta) > first' gst-regions
sabotage 'regions: a number twice' gst/meta/gstcbamregionmeta.c \
  'while (g_hash_table_contains (numbers->taken, GINT_TO_POINTER (number)));' 'while (FALSE);' gst-regions
sabotage 'regions: numbers begin anew on each frame' gst/meta/gstcbamregionmeta.c \
  'numbers->taken = collect_numbers (buffer);' 'numbers->taken = collect_numbers (buffer), given = 0;' gst-regions
sabotage 'regions: the list outlives them' gst/meta/gstcbamplacement.c \
  'GST_META_TAG_VIDEO_STR, GST_META_TAG_VIDEO_ORIENTATION_STR,' 'GST_META_TAG_VIDEO_STR, NULL,' gst-regions
sabotage 'regions: of two with one number, the first' gst/meta/gstcbamregionmeta.c \
  '      g_ptr_array_set_size (found, 0);' '' gst-regions
sabotage 'placement: borders are a part of the picture' gst/meta/gstcbamplacement.c \
  'placement->shift[i] = borders[i] / 2;' '' gst-attention
sabotage 'offer: sinks crop what is detected on' gst/frame/gstcbamoffer.c \
  '{ "GstVideoCropMetaAPI", FALSE }' '{ "GstVideoCropMetaAPI", TRUE }' gst-offers
sabotage 'offer: chroma is cropped as luma is' gst/frame/gstcbamoffer.c \
  'x >> GST_VIDEO_FORMAT_INFO_W_SUB (format, c)' 'x' gst-offers
sabotage 'inlet: caps must say everything' gst/stream/gstcbaminlet.c \
  '  GST_PAD_SET_ACCEPT_INTERSECT (pad);' '' gst-caps
sabotage 'composition: what caps leave open stays open' gst/draw/gstcbamcomposition.c \
  'if (!gst_structure_has_field (structure, field))' 'if (FALSE)' gst-caps
sabotage 'attention: levels come unasked' gst/meta/gstcbamattentionmeta.c \
  'parts & GST_CBAM_ATTENTION_LEVELS ?' 'TRUE ?' gst-attention
sabotage 'settings: more slots than the default' gst/stream/gstcbamenginesettings.c \
  '.queue_depth = texts->slots,' '.queue_depth = 3,' gst-inspect
sabotage 'host: stripes read the first rows' compute/run/host/conv.c \
  '(gsize) cbam_striped_get_first_in (state->striped, stripe) * in->width' '0 * in->width' ops-ops-host nets-nets-host \
  golden-host
sabotage 'host: stripes of the depthwise half read the first rows' compute/run/host/separable.c \
  '(gsize) cbam_striped_get_first_in (state->depthwise, stripe) * in->width' '0 * in->width' ops-ops-host
sabotage 'host: what is converted is written over what it is made of' compute/run/host/separable.c \
  '*room = between + state->between;' '*room = between + 1;' ops-ops-host golden-host
sabotage 'host: a stripe between two convolutions is a row' compute/run/host/separable.c \
  '((gsize) step->rows * between.width' '((gsize) 1 * between.width' ops-ops-host golden-host
sabotage 'separable: others read what is between' compute/ops/separable.c \
  'cbam_conv_is_pointwise (node) ? cbam_conv_find_sole_before (graph, node) : NULL' \
  'cbam_conv_is_pointwise (node) ? cbam_graph_find_writer (graph, node->inputs[0]) : NULL' random-graphs nets-nets-host
sabotage 'plan: of several that write a map the last one says how much room there is' compute/engine/plan.c \
  'MAX (node->outputs[i]->blocks, stored)' 'stored' golden
sabotage 'separable: channels that were sliced off count' compute/ops/separable.c \
  'cbam_conv_params (node)->weight->dims[1] != before->outputs[0]->channels' 'FALSE' random-graphs
sabotage 'separable: Grad-CAM finds no convolution' compute/ops/separable.c \
  'node->outputs[0]->keepable ||' '' golden-host nets-explain-host
sabotage 'host: scores that pass are taken for certain failures' compute/run/host/loops.c \
  'best - rival >= limit' 'best - rival >= limit + 1' ops-detect-host
sabotage 'host: the best score is only sought above the threshold' compute/run/host/loops.c \
  'smaller (d->threshold, best);' 'd->threshold;' ops-detect-host
sabotage 'host: bfloat16 is cut off, not rounded' compute/run/host/loops.c \
  'bits + 0x7fff + (bits >> 16 & 1)' 'bits' nets-host
sabotage 'host: what is no number becomes one' compute/run/host/loops.c \
  'x == x ? bits + 0x7fff' 'TRUE ? bits + 0x7fff' nets-host
sabotage 'host: pairs of vectors change places' compute/run/host/loops.c \
  '_mm512_loadu_ps (x + i + 16), _mm512_loadu_ps (x + i)' '_mm512_loadu_ps (x + i), _mm512_loadu_ps (x + i + 16)' nets-host
sabotage 'host: the last row is not converted' compute/run/host/striped.c \
  's->n_in * row);' '(s->n_in - 1) * row);' ops-ops-host
sabotage 'host: nobody takes parts from others' compute/run/host/slot.c \
  'for (guint t = 0; t < threads; t++) {
    const Share' 'for (guint t = 0; t < 1; t++) {
    const Share' nets-host
sabotage 'host: what is added is not there' compute/run/host/conv.c \
  'memcpy (y, cbam_host_map (task, node->inputs[1], rows.image) + offset, n * sizeof (float));' ';' ops-ops-host
sabotage 'precision: the slower of two' compute/precision.c \
  'has_bf16_tiles ? CBAM_PRECISION_BF16 : CBAM_PRECISION_FP32' \
  'has_bf16_tiles ? CBAM_PRECISION_FP32 : CBAM_PRECISION_FP32' nets-host
sabotage 'precision: the plan does not hear of it' compute/model.c \
  '{ .precision = precision };' '{ 0 };' nets-host
sabotage 'host: the first stripe has the padding of the others' compute/run/host/striped.c \
  'form.pad_top = begin - top;' 'form.pad_top = 0;' ops-ops-host nets-nets-host
sabotage 'host: Winograd drops the padding above' compute/run/host/loops.c \
  'const gint top = (gint) (row * CBAM_WINOGRAD_TILE) - w->pad_top;' \
  'const gint top = (gint) (row * CBAM_WINOGRAD_TILE);' ops-ops-host
sabotage 'host: what is added comes after the activation' compute/host/onednn.c \
  'if (form->adds)
    status' 'if (FALSE)
    status' ops-ops-host
sabotage 'host: classes not to be reported are' compute/run/host/loops.c \
  'd->reported[k] > 0 && ' '' ops-detect-host
sabotage 'host: turned frames step forward' compute/run/host/frame.c \
  '(gint32) near * (gint32) c->step' '(gint32) near * ABS ((gint32) c->step)' ops-preprocess-host
sabotage 'host: nothing is kept for Grad-CAM' compute/run/host/program.c \
  'step->parts[CBAM_HOST_KEEPING] = keeps (plan, (gint) s);' 'step->parts[CBAM_HOST_KEEPING] = 0;' nets-explain-host \
  golden-host
sabotage 'host: images of Vulkan are taken for nothing' compute/run/host/slot.c \
  'if (input->images != NULL) {' 'if (FALSE) {' nets-host
sabotage 'team: who has nothing to do helps nobody' compute/host/team.c \
  'else if ((open = find_open (team)) != NULL)' 'else if (FALSE && (open = find_open (team)) != NULL)' team
sabotage 'team: a job that waits is left to whoever works' compute/host/team.c \
  'if (g_queue_get_length (&team->waiting) > 0)' \
  'if (g_queue_get_length (&team->waiting) > 0 && g_queue_is_empty (&team->running))' team
sabotage 'device list: software comes before the processor itself' compute/vk/device-list.c \
  '"virtual", "host", "cpu"' '"virtual", "cpu", "host"' nets-host
sabotage 'inlet: frames of Vulkan with device=cpu run on Vulkan' gst/stream/gstcbamengine.c \
  'if (names_host (self)) {' 'if (FALSE) {' gst-vulkan
sabotage 'preset: the device of one machine for all' gst/gstcbampreset.c \
  '"model", "labels", "device", "cpu-threads", "precision", NULL' '"model", "labels", "precision", NULL' gst-presets
sabotage 'preset: a property that is not there' gst/presets/GstCbamDetect.prs \
  'threshold-shift=0.2' 'threshold-shft=0.2' gst-presets
sabotage 'plugin: drivers of other data folders' gst/gstcbamplugin.c \
  '"XDG_DATA_DIRS/vulkan/icd.d",' '' gst-rescan
sabotage 'plugin: drivers that are named' gst/gstcbamplugin.c \
  '"VK_ADD_DRIVER_FILES", NULL' 'NULL' gst-rescan
sabotage 'stats: the model'"'"'s own threshold is none' gst/stream/gstcbampublisher.c \
  'gst_cbam_settings_get_threshold (&stream->settings, own)' 'stream->settings.threshold' gst-silence
sabotage 'settings: the way to 1 is as long as that to 0' gst/stream/gstcbamsettings.c \
  'own + (1 - own) * shift' 'own + own * shift' gst-presets
sabotage 'stats: classes are not what silences' gst/stream/gstcbamstats.c \
  'if (stats->last_unwanted > 0)' 'if (FALSE)' gst-silence
sabotage 'batch: parts lie over each other' compute/detector.c \
  'entries[i].placement.offsets[p] += offset;' '' nets-batch-host nets-batch
sabotage 'batch: the places of the first part are those of all' compute/flight.h \
  'return &flight->parts[flight->image];' 'return flight->parts;' nets-batch-host nets-batch
sabotage 'batch: Grad-CAM of the first image for all' compute/explain.c \
  '  target.image = flight->image;' '' nets-batch-host nets-batch
sabotage 'batch: hits of the first image are those of all' compute/nets/levels.c \
  'block + levels->hits + image * levels->results' 'block + levels->hits' nets-batch-host nets-batch
sabotage 'batch: after the first image the slot is free' compute/detector.c \
  'if (++flight->image < flight->n_images)' 'if (FALSE)' nets-batch-host nets-batch
sabotage 'batch: who wants another one gets the same model' compute/model.c \
  'wanted->may_fall_back, wanted->batch, (guint64) info.st_dev' 'wanted->may_fall_back, 1u, (guint64) info.st_dev' nets-batch
sabotage 'vulkan: the parameters of the first image are those of all' shaders/common/parameters.glsl \
  '#define f frames[gl_WorkGroupID.z]' '#define f frames[0]' nets-batch
sabotage 'vulkan: commands of another batch' compute/run/vulkan/slot.c \
  '  if (slot->n_of_batch != n)' '  if (FALSE)' nets-batch
sabotage 'classify: padding is the half of it' gst/classify/gstcbamlooks.c \
  'const double more = padding * (to - from);' 'const double more = padding / 2 * (to - from);' gst-classify
sabotage 'classify: regions are not grown to the shape' gst/classify/gstcbamlooks.c \
  'down = grow (down, length / shape, height);' '' gst-classify
sabotage 'classify: grown over the edge of the frame' gst/classify/gstcbamlooks.c \
  'grown.from < 0 ? -grown.from : ' '' gst-classify
sabotage 'classify: thousands of regions are looked at' gst/classify/gstcbamlooks.c \
  'self->looks->len >= GST_CBAM_MOST_LOOKS' 'FALSE' gst-classify
sabotage 'classify: any type of region is the same' gst/classify/gstcbamtracks.c \
  'track->id < 0 && track->label == look->label ?' 'track->id < 0 ?' gst-classify
sabotage 'classify: numbers of trackers say nothing' gst/classify/gstcbamtracks.c \
  'look->id >= 0 ? find_most_alike (self, look, now, compare_ids) : NULL' 'NULL' gst-classify
sabotage 'classify: any object with the number is the same' gst/classify/gstcbamtracks.c \
  '    if (likeness < most)' '    if (FALSE)' gst-classify
sabotage 'classify: newcomers come first' gst/classify/gstcbamclassifier.c \
  'due->track->submitted.frame : due->track->begun.frame' 'due->track->submitted.frame : 0' gst-classify
sabotage 'classify: empty frames are none' gst/classify/gstcbamclassifier.c \
  'const gboolean passed_over = pass_over (self, frame);' \
  'const gboolean passed_over = looks->len > 0 && pass_over (self, frame);' gst-classify
sabotage 'classify: another stream is the same' gst/gstcbamclassify.c \
  '    case GST_EVENT_STREAM_START: see_stream (self, event); break;' '' gst-classify
sabotage 'heatmap: heat goes on beyond its map' drawing/heatmap.c \
  '    if (!covers (layer, x, y))' '    if (FALSE)' gst-cbamoverlay
sabotage 'classify: a region may be stale for good' gst/classify/gstcbamclassifier.c \
  '#define STALEST (2 * GST_SECOND)' '#define STALEST (2000 * GST_SECOND)' gst-classify
sabotage 'classify: whoever came first has all the turns' gst/classify/gstcbamclassifier.c \
  'if (since_x != since_y)' 'if (FALSE)' gst-classify
sabotage 'classify: live frames wait' gst/gstcbamclassify.c \
  'frame.waits = !frame.live && ' 'frame.waits = ' gst-classify
sabotage 'classify: what is told is told again' gst/classify/gstcbamverdicts.c \
  '  track->told = TRUE;' '' gst-classify
sabotage 'classify: what scalers drop is lost' gst/classify/gstcbamverdicts.c \
  '  gst_cbam_regions_meta_keep_classes (buffer, &told.kept);' '  g_value_unset (&told.kept);' gst-classify
sabotage 'draw: whole frames have a box' gst/draw/gstcbampainter.c \
  'if (!box->whole)' '' gst-cbamoverlay
sabotage 'draw: heat of the last region alone' gst/meta/gstcbamattentionmeta.c \
  'if (!of_region || !regions)' '' gst-cbamoverlay
sabotage 'json: relative height by the width' gst/gstcbamjson.c \
  '"y_max", box->bottom, height);' '"y_max", box->bottom, width);' gst-cbamjson
sabotage 'json: infinities are numbers' gst/meta/gstcbamfield.c \
  'if (!isfinite (g_value_get_double (&as_double)))' 'if (FALSE)' gst-cbamjson
sabotage 'json: exponents get a point behind them' gst/gstcbamjson.c \
  'number = nextafter (number, 0);' 'break;' gst-cbamjson
sabotage 'json: the timestamp is the pts' gst/gstcbamjson.c \
  'frame, "timestamp", time)' 'frame, "timestamp", GST_BUFFER_PTS (buffer))' gst-cbamjson
sabotage 'scene: regions that move stay' gst/draw/gstcbamscene.c \
  'MAX (2.5, (size) / 256.0)' '1e9' gst-cbamoverlay
sabotage 'draw: cold places are tinted' gst/draw/gstcbampainter.c \
  'cbam_drawing_heat_fill (heat, 0, ' 'cbam_drawing_heat_fill (heat, 0.3, ' gst-cbamoverlay
sabotage 'draw: a settings change is not seen' gst/draw/gstcbampainter.c \
  'painter->settings.serial == settings->serial' 'TRUE' gst-cbamoverlay
sabotage 'stretch: blue is red' gst/draw/gstcbamstretch.c \
  'weights[component] = 255;' 'weights[2 - component] = 255;' gst-overlay
sabotage 'stretch: cells as they are, without steps between' gst/draw/gstcbamstretch.c \
  'return (a * (256 - fraction) + b * fraction) >> 8;' 'return a;' gst-overlay
sabotage 'plates: labels cover each other' drawing/plates.c \
  'distance < nearest && is_free (plates, &try)' 'distance < nearest' gst-cbamoverlay
sabotage 'palette: white on bright plates' drawing/palette.c \
  'luminance > 0.18 ?' 'luminance > 0.7 ?' gst-cbamoverlay
sabotage 'composition: rectangles end at half a chroma sample' gst/draw/gstcbamcomposition.c \
  'MIN ((x1 + 1) & ~1, GST_VIDEO_FRAME_WIDTH (frame)) - *x0' \
  'MIN (x1 & ~1, GST_VIDEO_FRAME_WIDTH (frame)) - *x0' gst-overlay
sabotage 'composition: images are offered as system memory' gst/draw/gstcbamcomposition.c \
  'gst_caps_features_is_equal (gst_caps_get_features (caps, i), GST_CAPS_FEATURES_MEMORY_SYSTEM_MEMORY)' 'TRUE' gst-overlay
sabotage 'draw: colours that are none are passed over' gst/draw/gstcbampainter.c \
  '  if (bad->len > 0)' '  if (FALSE)' gst-overlay
sabotage 'composition: the padding byte is alpha' gst/draw/gstcbamcomposition.c \
  '  set_padding_opaque (&window);' '' gst-overlay

# The evaluation.
sabotage 'evaluation: boxes without the devkit'"'"'s extra pixel' tools/eval/average-precision.c \
  'MAX (a->x0, b->x0) + 1;' 'MAX (a->x0, b->x0);' eval-average-precision
sabotage 'evaluation: one half is not enough' tools/eval/average-precision.c \
  'if (iou >= (10 + i) / 20.0)' 'if (iou > (10 + i) / 20.0)' eval-average-precision eval-independent
sabotage 'evaluation: a second detection is as right as the first' tools/eval/average-precision.c \
  '  found[best_object] |= reached;' '' eval-average-precision
sabotage 'evaluation: of equal overlaps the last' tools/eval/average-precision.c \
  'if (iou > best) {' 'if (iou > 0 && iou >= best) {' eval-average-precision
sabotage 'evaluation: difficult objects count' tools/eval/average-precision.c \
  'best_object == n_objects || objects[best_object].is_difficult' 'best_object == n_objects' \
  eval-average-precision
sabotage 'evaluation: difficult objects are missed' tools/eval/average-precision.c \
  '    if (!objects[i].is_difficult)' '' eval-average-precision
sabotage 'evaluation: classes find each other'"'"'s objects' tools/eval/average-precision.c \
  'objects[i].class_id == detection->class_id ?' 'TRUE ?' eval-average-precision
sabotage 'evaluation: pictures are not sorted' tools/eval/average-precision.c \
  '  g_array_sort (sorted, by_falling_score); /* stable, as GLib promises */' '' eval-average-precision
sabotage 'evaluation: a step of the area is its own precision' tools/eval/average-precision.c \
  '    best = MAX (best, g_array_index (steps, double, i));' '    best = g_array_index (steps, double, i);' \
  eval-independent
sabotage 'evaluation: empty classes are in the mean' tools/eval/average-precision.c \
  '    if (evaluation->classes[i].objects->len > 0) {' '    {' eval-average-precision
sabotage 'evaluation: the threshold lets equals through' tools/eval/average-precision.c \
  'if (match->score > threshold)' 'if (match->score >= threshold)' eval-average-precision
sabotage 'evaluation: a threshold between equal scores' tools/eval/average-precision.c \
  '    if (next == match->score)' '    if (FALSE)' eval-independent
sabotage 'evaluation: the bootstrap draws pictures once' tools/eval/average-precision.c \
  '      seen.right += n;' '      seen.right += 1;' eval-average-precision
sabotage 'evaluation: the interval is the quartiles' tools/eval/average-precision.c \
  'quantile (means, 0.025)' 'quantile (means, 0.5)' eval-average-precision
sabotage 'annotation: nothing is difficult' tools/eval/annotation.c \
  '*ret_is_difficult = is_flag ? flag == 1 :' '*ret_is_difficult = is_flag ? FALSE :' eval-annotations eval-independent
sabotage 'annotation: everything is an answer to difficult' tools/eval/annotation.c \
  'if (is_flag || *ret_is_difficult || is_one_of (text, no))' 'if (TRUE)' eval-annotations
sabotage 'annotation: of two elements the last' tools/eval/annotation.c \
  '    if (*ret_child != NULL) {' '    if (FALSE) {' eval-annotations
sabotage 'annotation: an object may be any element' tools/eval/annotation.c \
  'if (!is_element (node, "object"))' 'if (node->type != XML_ELEMENT_NODE)' eval-annotations
sabotage 'annotation: entities count' tools/eval/annotation.c \
  'document != NULL ? find_entity (document->children) : NULL' 'NULL' eval-annotations
sabotage 'annotation: corners in any order' tools/eval/annotation.c \
  'if (box->x1 > box->x0 - 1 && box->y1 > box->y0 - 1)' 'if (TRUE)' eval-annotations
sabotage 'devkit: a height is believed' tools/eval/devkit.c \
  '(said_height == 0 || said_height == height)' 'TRUE' eval-annotations
sabotage 'devkit: boxes reach over the left edge' tools/eval/devkit.c \
  'MAX (box->x0, 1)' 'box->x0' eval-annotations
sabotage 'devkit: a box outside is one' tools/eval/devkit.c \
  'box->x0 - 1 >= width || box->y0 - 1 >= height' 'box->y0 - 1 >= height' eval-annotations
sabotage 'devkit: the last kind of picture wins' tools/eval/devkit.c \
  'if (kind < best_kind) {' 'if (kind < G_N_ELEMENTS (kinds)) {' eval-annotations
sabotage 'jpeg: half of one is whole' tools/shared/jpeg.c \
  '  case JWRN_JPEG_EOF:' '' tools-cbam_run
sabotage 'jpeg: a lost part is not missed' tools/shared/jpeg.c \
  '  case JWRN_HIT_MARKER:' '' tools-cbam_run
sabotage 'jpeg: shown as it is stored' tools/shared/jpeg.c \
  '"%u", orientation_of (info)' '"%u", 0 * orientation_of (info)' tools-cbam_run
sabotage 'bmp: half of one is whole' tools/shared/picture-file.c \
  'if ((gint64) size >= needed)' 'if (TRUE)' tools-cbam_run
sabotage 'attention: a single cell tells something' tools/eval/attention-auc.c \
  'can_tell ? level_auc (level, NULL) :' 'TRUE ? level_auc (level, NULL) :' eval-attention-auc
sabotage 'attention: a tie is won' tools/eval/attention-auc.c \
  '2 * outside + equal_outside' '2 * (outside + equal_outside)' eval-attention-auc
sabotage 'attention: boxes begin a pixel late' tools/eval/attention-auc.c \
  'x < box->x0 - 1 ||' 'x < box->x0 ||' eval-attention-auc
sabotage 'attention: cells beyond the picture count' tools/eval/attention-auc.c \
  'is_beyond ? CELL_IGNORED :' 'FALSE ? CELL_IGNORED :' eval-attention-auc
sabotage 'output-file: links are replaced' tools/shared/output-file.c \
  'if (target == NULL)' 'if (TRUE)' tools-output
sabotage 'output-file: the old mode is lost' tools/shared/output-file.c \
  'old->st_mode & 07777' '0600' tools-output
sabotage 'output-file: other names of a file keep the old' tools/shared/output-file.c \
  'old->st_nlink == 1' 'TRUE' tools-output
sabotage 'output.py: links are replaced' tools/shared/output.py \
  'if not os.path.islink(path):' 'if True:' tools-output
sabotage 'text-file: byte order marks are text' lists/text-file.c \
  'while (g_str_has_prefix (line, MARK))' 'while (FALSE)' tools-text_files
sabotage 'text_file.py: byte order marks are text' tools/shared/text_file.py \
  'line.lstrip(MARK)' 'line' tools-text_files
sabotage 'convert: the last step before the average' tools/converter/weights.py \
  'return averages[0], (f"took' 'return raw[0], (f"took' tools-convert_wrappers
sabotage 'convert: tensors may repeat their storage' tools/converter/pickles.py \
  'if np.prod(self.shape, dtype=float) > numbers.size:' 'if False:' tools-convert_wrappers
sabotage 'ncnn: int8 weights keep their scale' tools/shared/ncnn.py \
  'weight.reshape(scales, -1) / scale[:, None]' 'weight.reshape(scales, -1)' tools-ncnn
sabotage 'ncnn: bytes behind the last layer' tools/shared/ncnn.py \
  'weights.finish()' 'pass' tools-ncnn
sabotage 'nanodet: the last rows are the scores' tools/converter/dialects/nanodet.py \
  'last.weight[:classes]' 'last.weight[-classes:]' tools-convert_nanodet train-nanodet
sabotage 'nanodet: the other half passes' tools/converter/dialects/nanodet.py \
  'a, b = halves.outputs' 'b, a = halves.outputs' tools-convert_nanodet
sabotage 'nanodet: a level is any branch' tools/converter/graph.py \
  'step *= node.param(3, 1)' 'pass' tools-convert_nanodet
sabotage 'convert: groups in basic blocks' tools/converter/dialects/resnet.py \
  'if rest or (groups > 1 and form == "basic"):' 'if rest:' tools-convert_resnet
sabotage 'convert: the attention of one place is that of all' tools/converter/layers.py \
  '            if attention != found[0]:' '            if False:' tools-convert_resnet
sabotage 'convert: a trunk is looked for in whole networks only' tools/converter/weights.py \
  'PARTS = 2 ' 'PARTS = 1 ' tools-convert_nanodet
sabotage 'train: a start loses its batch norms' tools/train/start.py \
  'tensors[f"{conv}.weight"] * gain[:, None, None, None]' 'tensors[f"{conv}.weight"]' train-nanodet
sabotage 'train: classes without objects are learned' tools/train/checks.py \
  'if not missing or found and not each:' 'if True:' train-sentences
sabotage 'train: measured before it is written' tools/train/train \
  'path = write(session, network, recipe, arguments, model, {})' \
  'measure(network, recipe, val, half, say, ""); path = write(session, network, recipe, arguments, model, {})' \
  train-sentences
sabotage 'train: a teacher with other cells is asked at every step' tools/train/train \
  'if not arguments.teacher or recipe.loss != "quality" or' 'if True or' train-sentences
sabotage 'quality: what a teacher confuses is learned' tools/train/quality.py \
  'wanted[wrong], weights[wrong] = 0, 1' 'pass' train-quality
sabotage 'quality: what people missed is background' tools/train/quality.py \
  '((scores < SURE) | covered).float()' 'torch.ones_like(scores)' train-quality
sabotage 'quality: every object has one cell' tools/train/quality.py \
  '.values.sum(1).int().clamp(min=1)' '.values.sum(1).int().clamp(min=1, max=1)' train-quality
sabotage 'team: to each its own gradient' tools/train/team.py \
  'mean = self.shared.mean(0)' 'mean = self.shared[self.rank]' train-quality
sabotage 'depthwise: one window of the gradient' tools/train/depthwise.py \
  'starts = [*range(0, kernel - PART, PART), kernel - PART]' 'starts = [0]' train-quality
sabotage 'crops: cut from the corner' tools/train/crops.py \
  'left, top = (round((there - here) / 2)' 'left, top = (round((there - here) / 4)' train-classifiers train-quick_classifier
sabotage 'crops: the filter is forgotten where a part is cut first' tools/train/crops.py \
  'return pixels.resize(size, kind, (*corner' 'return pixels.resize(size, Image.NEAREST, (*corner' \
  train-classifiers train-trunks
sabotage 'crops: nothing is mirrored' tools/train/crops.py \
  'seen[:, ::-1] if mirror else seen' 'seen' train-classifiers
sabotage 'class-folders: what is left out is the first class' tools/train/class_folders.py \
  'known = [one for one in found if one[0] in classes]' 'known = [one if one[0] in classes else (classes[0], one[1]) for one in found]' \
  train-classifiers
sabotage 'class-folders: rare classes are as any' tools/train/class_folders.py \
  'factor = np.maximum(1, np.sqrt(' 'factor = np.minimum(1, np.sqrt(' train-classifiers
sabotage 'classification: the rows of other classes' tools/train/classification.py \
  'last["fc.weight"][columns]' 'last["fc.weight"][rows]' train-classifiers
sabotage 'classification: gates that are shut shut the network' tools/train/classification.py \
  '        norm.weight.div_(GATES["cbam"])' '        pass' train-classifiers
sabotage 'classification: a start has the padding of the recipe' tools/train/classification.py \
  '        ours.pop(key, None)' '        pass' train-classifiers
sabotage 'classification: what is measured on the way goes on' tools/train/classification.py \
  'say, f"step {session.step}, averaged weights")
            session.average.swap(network)' 'say, f"step {session.step}, averaged weights")' train-classifiers
sabotage 'checks: a classifier takes options of boxes' tools/train/checks.py \
  'not in (None, [])] if classifies else ()' 'not in (None, [])] if False else ()' train-classifiers
sabotage 'loss: labels are sure' tools/train/loss.py \
  'label_smoothing=SMOOTHING' 'label_smoothing=0.0' train-classifiers
sabotage 'anchors: in the middle whatever the offset' compute/nets/anchors.c \
  'offset = 0.5 + spec->off_middle' 'offset = 0.5' anchors
sabotage 'ncnn-graph: shuffled groups are where they were' tools/train/ncnn_graph.py \
  'channels // n).transpose(3, 4)' 'channels // n)' train-ncnn_graph
sabotage 'ncnn-graph: all rest goes into the first part' tools/train/ncnn_graph.py \
  'left // (len(parts) - at)' 'left' train-ncnn_graph
sabotage 'fusion: a box of one look alone counts fully' tools/train/fusion.py \
  '/ [1, counts_of, 1, 1, 1, 1]' '/ [1, 1, 1, 1, 1, 1]' train-lessons
sabotage 'lesson: a confusion is a missed object' tools/train/lesson.py \
  'free & ~near.any(1) & (scores' 'free & (scores' train-lessons
sabotage 'lesson: what people contradict counts fully' tools/train/lesson.py \
  'torch.where(boxed[soft], share, 1.0)' '1.0' train-lessons
sabotage 'looks: mirrored boxes stay where they are' tools/train/looks.py \
  'rows[:, [2, 4]] = 1 - rows[:, [4, 2]]' 'pass' train-lessons
sabotage 'ncnn-detector: distances in cells of the finest level' tools/train/ncnn_detector.py \
  'corners = corners / corners.new_tensor(self.size * 2)' 'corners = corners / step * 8 / corners.new_tensor(self.size * 2)' \
  train-lessons
sabotage 'average: figures of the first part' tools/train/average \
  'provenance["metrics"] = metrics' 'pass' train-sentences
sabotage 'models: weights without the word whose they are' models/meson.build \
  "  install_data(fs.stem(model) / 'NOTICE', install_dir: model_dir / fs.stem(model))" '' licences
sabotage 'peers: a convolution pads alike on both sides' tools/peers/trace.py \
  '"pads": before + after,' '"pads": before + before,' tools-peers_export
sabotage 'peers: a batch norm scales what comes in' tools/peers/trace.py \
  'shape = [-1 if i == by_input else 1' 'shape = [-1 if i == (not by_input) else 1' tools-peers_export
sabotage 'peers: numbers of ONNX end at seven bits' tools/peers/onnx_file.py \
  'while number > 0x7F:' 'while False:' tools-peers_export
sabotage 'peers: two readers of a blob of ncnn' tools/peers/ncnn_file.py \
  'if len(readers.get(name, [])) > 1:' 'if len(readers.get(name, [])) > 2:' tools-peers_export
sabotage 'bench_peers: whatever a peer computes' tools/bench_peers.py \
  'if not contender.default and not contender.max_error <= MAX_ERROR:' 'if False:' tools-bench_peers
sabotage 'bench_peers: beside the slower' tools/bench_peers.py \
  'times = ours / min(others)' 'times = ours / max(others)' tools-bench_peers
sabotage 'check: a licence that nobody named' compute/info.c \
  'g_str_has_prefix (info->licence, "unknown")' 'FALSE' tools-cbam_check
sabotage 'cbam-eval: boxes count from 0' tools/eval/detector-eval.c \
  '.x0 = (double) detection->x + 1,' '.x0 = (double) detection->x,' eval-program
sabotage 'cbam-eval: overlap as the model has it' tools/eval/detector-eval.c \
  '  .overlap = CBAM_OVERLAP_FRACTIONS,' '' eval-program
sabotage 'detector: overlap is always the model'"'"'s' compute/detections.c \
  'params->overlap == CBAM_OVERLAP_FRACTIONS ?' 'FALSE ?' nets-detector

# Papers.
sabotage 'docs: a link leads nowhere' README.md \
  '(docs/performance.md)' '(docs/performance)' docs-references
sabotage 'docs: a function that is not there' docs/design.md \
  'cbam_net_build ()' 'cbam_nets_build ()' docs-references
sabotage 'docs: a file that has moved' docs/developing.md \
  'ops/list.h' 'ops/lists.h' docs-references
sabotage 'style: a statement that is too deep' shaders/max_pool.comp \
  '  const uint full' '   const uint full' style

# Holes that were found by sabotage and closed.
sabotage 'hole: top padding as on the left' compute/ops/conv.c \
  'p->pad_top * in->view.row' 'p->pad_left * in->view.row' ops-ops
sabotage 'hole: a tile too many across' shaders/depthwise_texel.comp \
  'across = (a.width + TX - 1) / TX;' 'across = a.width / TX + 1;' ops-ops
sabotage 'hole: no barrier between writing and reading' compute/engine/plan.c \
  'if (!a->written && !b->written)' 'if (!a->written || !b->written)' nets-nets
sabotage 'hole: chroma of limited range spread as luma' compute/detect/image.c \
  '255.0 / 224.0' '255.0 / 219.0' ops-preprocess
sabotage 'hole: chroma on the left sits at the top' compute/detect/image.c \
  'image->chroma != CBAM_CHROMA_TOP_LEFT' 'image->chroma == CBAM_CHROMA_CENTER' ops-preprocess
sabotage 'hole: the mean in the order of RGB' compute/detect/image.c \
  'input->mean[bgr ? 2 - c : c]' 'input->mean[c]' ops-preprocess
sabotage 'hole: right edges scaled by the height' compute/detections.c \
  'candidate->x1 * input->width * frame->scale_x' 'candidate->x1 * input->width * frame->scale_y' nets-detector
sabotage 'hole: letterboxed boxes stay in the letterbox' compute/detections.c \
  'candidate->y0 * input->height * frame->scale_y + frame->shift_y' \
  'candidate->y0 * input->height * frame->scale_y' nets-detector
sabotage 'hole: fused although something else reads it' compute/engine/graph.c \
  'before != NULL && cbam_graph_count_readers (graph, before->outputs[0]) == 1 ? before' 'before ? before' nets-nets
sabotage 'hole: no more room for those before us' gst/stream/gstcbamlatency.c \
  'max += latency->ceiling;' 'max += 0;' gst-flow
sabotage 'switch: a model without the classes is taken' gst/stream/gstcbamswitch.c \
  'good = self->session == NULL ||' 'good = self->session != NULL ||' gst-settings
sabotage 'switch: a precision that the device lacks stays' gst/stream/gstcbamswitch.c \
  'self->settings->precision = self->session->precision;' ';' gst-settings
sabotage 'session: every model is loaded in the usual precision' gst/stream/gstcbamsession.c \
  '.precision = precision, .max' '.precision = CBAM_PRECISION_AUTO, .max' gst-errors
sabotage 'settings: Grad-CAM only where it is drawn' gst/stream/gstcbamsettings.c \
  'settings->grad_cam || (settings' 'FALSE || (settings' gst-attention
sabotage 'setup: --no-install installs' tools/setup.sh \
  'step=cbam_check_packages' 'step=cbam_install_packages' tools-setup
sabotage 'setup: without what builds it goes on' tools/setup.sh \
  '= 0 ] || cbam_die "nothing can be built' '= 0 ] || cbam_say "nothing can be built' tools-setup
# shellcheck disable=SC2016 # the script's text
sabotage 'setup: it sets up when it is sourced' tools/setup.sh \
  'if [ "${BASH_SOURCE[0]}" = "$0" ]; then' 'if true; then' tools-setup

# Classifiers.
sabotage 'classes: of equals the last comes first' compute/classes.c \
  'x->class_id < y->class_id ? -1 : 1' 'x->class_id < y->class_id ? 1 : -1' nets-classifier
sabotage 'classes: the worst comes first' compute/classes.c \
  'x->score < y->score ? 1 : -1' 'x->score < y->score ? -1 : 1' nets-classifier
sabotage 'classes: one at the threshold is above it' compute/classes.c \
  'scores[k] > params->threshold' 'scores[k] >= params->threshold' nets-classifier
sabotage 'classes: gaps in the list are reported' compute/classes.c \
  'if (!cbam_output_spec_reports (output, k))' 'if (FALSE)' nets-classifier
sabotage 'classes: all that are above, whatever the model says' compute/classes.c \
  'i < n && result->n_classes < most' 'i < n' nets-classifier
sabotage 'classes: probabilities of one class each' compute/classes.c \
  'exp ((double) scores[k] - largest) / sum' 'exp ((double) scores[k] - largest)' nets-classifier
sabotage 'classes: the best that was asked for is the best' compute/classes.c \
  'scores[k] > result->best_score' 'is_wanted (params, k) && scores[k] > result->best_score' nets-classifier
sabotage 'classifier: Grad-CAM as if classes knew nothing of each other' compute/explain.c \
  '.softmax = model->spec->output.score == CBAM_SCORE_SOFTMAX,' '.softmax = FALSE,' golden
sabotage 'classifier: attention is of the first module on a size' compute/nets/attention.c \
  '  *level = (CbamLevel){ .features = x,' '  if (level->features == NULL) *level = (CbamLevel){ .features = x,' golden
sabotage 'classifier: the last size of map has no room' compute/nets/attention.c \
  'level->features->width != x->width ||' 'FALSE ||' golden
sabotage 'classifier: ShuffleNetV2 ends in its stages' compute/nets/shufflenet_v2.c \
  '.end = "conv5.0"' '.end = "stage4.3"' golden
sabotage 'image: what is cut out begins in the corner' compute/detect/image.c \
  'rint ((resized - n) / 2) * scale' '0' nets-classifier
sabotage 'image: the longer side is what is resized' compute/detect/image.c \
  'input->shorter * extent / shortest' 'input->shorter * 1.0' nets-classifier tools-cbam_run
sabotage 'resample: a cubic as narrow as a triangle' shaders/resample.comp \
  'CBAM_RESAMPLE_REACH_LINEAR : CBAM_RESAMPLE_REACH_CUBIC' 'CBAM_RESAMPLE_REACH_LINEAR : CBAM_RESAMPLE_REACH_LINEAR' \
  ops-resample
sabotage 'resample: the filter is not stretched' shaders/resample.comp \
  'const float stretch = max (scale, 1.0)' 'const float stretch = 1.0' ops-resample
sabotage 'resample: chroma is stretched as luma' shaders/resample.comp \
  'span_at (p.x, scale.x * c.scale_x, c.width)' 'span_at (p.x, scale.x, c.width)' ops-resample
sabotage 'resample: weights do not sum up to one' shaders/resample.comp \
  'return sum / total;' 'return sum;' ops-resample
sabotage 'resample, host: a column too far' compute/run/host/frame.c \
  'line + across->begins[i] * (gssize) step' 'line + (across->begins[i] + 1) * (gssize) step' ops-resample-host
sabotage 'resample, host: rows of the first part' compute/run/host/frame.c \
  'top = MAX (top, rows.first);' '' ops-resample-host
sabotage 'resample, host: no rounding' compute/run/host/frame.c \
  'colours->round_u8 ? floorf (v + 0.5f) : v' 'v' ops-resample-host
sabotage 'detector: a frame too large for a filter is thinned' compute/detector.c \
  'if (input->filter == CBAM_FILTER_NONE)' 'if (TRUE)' nets-classifier
sabotage 'efficientnet: all rows are lengthened' compute/nets/efficientnet_lite.c \
  'r == 0 || r == G_N_ELEMENTS (rows) - 1' 'FALSE' networks
sabotage 'efficientnet: rows repeat rounded down' compute/nets/efficientnet_lite.c \
  '(rows[r].blocks * depth + 9) / 10' 'rows[r].blocks * depth / 10' networks
sabotage 'gst: a classifier detects nothing, silently' gst/stream/gstcbamsession.c \
  'if (g_str_equal (info->task, task))' 'if (TRUE)' gst-errors
sabotage 'cbam-run: classes are drawn over each other' tools/run/draw.c \
  'const Rect plate = { 0, taken.height,' 'const Rect plate = { 0, 0,' tools-cbam_run
sabotage 'activation: a hard sigmoid fills up the channels that pad' shaders/activation.comp \
  'FUNCTION == CBAM_FUNCTION_HARD_SIGMOID ? real_channels (v, block, a.channels) : v' 'v' ops-ops
sabotage 'mobilenet-v3: the weights of channels are a hard swish' compute/nets/mobilenet_v3.c \
  'CBAM_ACTIVATION_HARD_SIGMOID' 'CBAM_ACTIVATION_HARD_SWISH' golden
sabotage 'mobilenet-v3: the last blocks are always the paper'"'"'s' compute/nets/mobilenet_v3.c \
  'cbam_net_dim (net, name, 0, cbam_net_round_channels (net, rows[row].hidden))' \
  'cbam_net_round_channels (net, rows[row].hidden)' networks golden
sabotage 'mobilenet-v3: a shortcut wherever the stride is 1' compute/nets/mobilenet_v3.c \
  'rows[row].stride == 1 && x->channels == y->channels' 'rows[row].stride == 1' networks
sabotage 'classifier: a ReLU behind every hidden layer' compute/nets/classifier.c \
  'net->spec->network.backbone->hidden_activation' 'CBAM_ACTIVATION_RELU' golden
sabotage 'accuracy: the second answer is the first, too' tools/eval/accuracy.c \
  'is_right && i == 0' 'is_right && i <= 1' eval-accuracy
sabotage 'accuracy: the sixth answer counts' tools/eval/accuracy.c \
  'i < MIN (n, ACCURACY_TOP)' 'i < n' eval-accuracy
sabotage 'accuracy: the mean goes by pictures' tools/eval/accuracy.c \
  'sum += accuracy_top1 (accuracy, i)' 'sum += accuracy_top1 (accuracy, ACCURACY_ALL)' eval-accuracy
sabotage 'class-folders: every file is a picture' tools/eval/class-folders.c \
  'if (is_picture (name))' 'if (TRUE)' eval-program-classifier
sabotage 'class-folders: hidden files are pictures' tools/eval/class-folders.c \
  "    if (*name == '.')" '    if (FALSE)' eval-program-classifier
sabotage 'cbam-eval: the options of detectors are ignored' tools/eval/classifier-eval.c \
  'if (wrong == NULL)' 'if (TRUE)' eval-program-classifier
sabotage 'ghostnet: the cheap half comes first' compute/nets/ghostnet.c \
  'cbam_graph_concat (net->graph, place, a, b)' 'cbam_graph_concat (net->graph, place, b, a)' golden
sabotage 'ghostnet: the second module activates' compute/nets/ghostnet.c \
  '"ghost2", channels, FALSE, y' '"ghost2", channels, TRUE, y' golden
sabotage 'ghostnet: channels are rounded to eights' compute/nets/ghostnet.c \
  '#define DIVISOR 4' '#define DIVISOR 8' networks golden
sabotage 'ghostnet: nothing lies on the way past a block that widens' compute/nets/ghostnet.c \
  'rows[row].stride == 1 && x->channels == channels' 'rows[row].stride == 1' networks
sabotage 'spec: depth and the like are ignored where there is no ResNet' compute/nets/spec.c \
  'network->backbone == NULL || network->backbone == &cbam_backbone_resnet' 'TRUE' spec
sabotage 'heatmap: what a crop leaves out has the colour of its edge' drawing/heatmap.c \
  'row[x] = is_seen (heat, x + 0.5, y + 0.5) ?' 'row[x] = TRUE ?' tools-cbam_run
sabotage 'image: a part of one pixel is none' compute/detect/image.c \
  'MAX (1, floor (input->fraction * shortest + ALMOST))' 'floor (input->fraction * shortest)' nets-classifier
sabotage 'nets: there may be any number of classes' compute/nets/nets.c \
  'net->spec->output.n_classes > CBAM_MAX_CLASSES' 'FALSE' networks
sabotage 'spec: a classifier may have what detectors have' compute/nets/spec.c \
  'refuse (item, of_detectors, "in a classifier");' '' spec
