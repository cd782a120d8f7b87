#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets, small valid inputs, into corpus/: run it again and the same bytes come out.

What corpora hold beside seed_* was found by fuzzing (tools/fuzz --keep)."""
import gzip
import io
import json
import pathlib
import pickle
import struct
import tarfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent / 'golden'


def write(target, name, content):
    folder = HERE / 'corpus' / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ('seed_' + name)).write_bytes(content.encode() if isinstance(content, str) else content)


def zipped(data):
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode='wb', mtime=0) as file:
        file.write(data)
    return buffer.getvalue()


def tarred(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w', format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()[:512 * (2 * len(members) + 2)]


def images_data():
    idx = struct.pack('>4B3I', 0, 0, 8, 3, 2, 3, 4) + bytes(range(24))
    labels = struct.pack('>4BI', 0, 0, 8, 1, 2) + bytes([0, 1])
    cifar10 = bytes([7]) + bytes(i % 251 for i in range(3072))
    write('images_data', 'idx_images', idx)
    write('images_data', 'idx_labels', labels)
    write('images_data', 'idx_rgb', struct.pack('>4B4I', 0, 0, 8, 4, 1, 2, 2, 3) + bytes(12))
    write('images_data', 'idx_gzip', zipped(idx))
    write('images_data', 'cifar10', cifar10)
    write('images_data', 'cifar100', bytes([3, 42]) + cifar10[1:])
    write('images_data', 'tar', tarred([('a/test_batch.bin', b'abc'), ('a/batches.meta.txt', b'cat\ndog\n')]))
    write('images_data', 'tar_gzip', zipped(tarred([('b', bytes(600))])))


def texts():
    write('texts', 'tsv', 'sentence\tlabel\ta\nit was good\t1\tx\nit was bad\t0\ty\n')
    write('texts', 'csv', 'text,label,more\r\n"a ""quoted"" one, with\na line",1,u\r\nb,0,v\r\n')
    write('texts', 'jsonl', '{"text": "a", "label": 1, "more": "x\\u00e9"}\n{"text": "b", "label": "0", "more": null}\n')
    write('texts', 'trec', 'DESC:manner How did it start ?\nENTY:cremat What films ?\n')
    write('texts', 'gzip', zipped(b'a\tb\nc\td\n'))
    write('texts', 'bom', '\ufefftext\tlabel\nx\ty\n')


def pickles():
    for path in sorted((GOLDEN / 'checkpoints').glob('zip_*.pth')):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith('data.pkl') and zipfile.ZIP_LZMA != archive.getinfo(name).compress_type:
                    write('pickle', path.stem, archive.read(name))
    values = {'a': [1, -2, 2**40, 2**70, 1.5, None, True], 'b': ('x', b'y', {'z': {1, 2}}), 'c': frozenset([3])}
    values['self'] = values['a']
    for protocol in range(6):
        write('pickle', 'values_%d' % protocol, pickle.dumps(values, protocol))


def safetensors():
    header = {'__metadata__': {'format': 'pt'},
              'a': {'dtype': 'F32', 'shape': [2, 1], 'data_offsets': [0, 8]},
              'b': {'dtype': 'BF16', 'shape': [], 'data_offsets': [8, 10]}}
    text = json.dumps(header).encode()
    write('safetensors', 'whole', struct.pack('<Q', len(text)) + text + bytes(10))
    write('safetensors', 'header', text + b'\0' + bytes(10))


def recipe(metadata, tensors):
    lines = ['m %s %s' % (key, value if isinstance(value, str) else json.dumps(value)) for key, value in metadata.items()]
    lines += ['t %s %s' % (name, ','.join(map(str, shape))) for name, shape in tensors.items()]
    return '\n'.join(lines) + '\n'


def batch_norm(tensors, name, width):
    for part in ('weight', 'bias', 'running_mean', 'running_var'):
        tensors['%s.%s' % (name, part)] = [width]


def sidenet(tensors, name, features, hidden, classes):
    tensors.update({name + '.mean': [features], name + '.std': [features], name + '.fc1.weight': [hidden, features],
                    name + '.fc1.bias': [hidden], name + '.fc2.weight': [classes, hidden], name + '.fc2.bias': [classes]})


def cifar_resnet(width=2, projection=False):
    tensors = {'conv1.weight': [width, 3, 3, 3]}
    batch_norm(tensors, 'bn1', width)
    before = width
    for stage in range(3):
        out = width << stage
        block = 'layer%d.0.' % (stage + 1)
        tensors[block + 'conv1.weight'] = [out, before, 3, 3]
        tensors[block + 'conv2.weight'] = [out, out, 3, 3]
        batch_norm(tensors, block + 'bn1', out)
        batch_norm(tensors, block + 'bn2', out)
        if projection and out != before:
            tensors[block + 'shortcut.0.weight'] = [out, before, 1, 1]
            batch_norm(tensors, block + 'shortcut.1', out)
        before = out
    tensors.update({'linear.weight': [2, before], 'linear.bias': [2]})
    return tensors


def bottleneck_resnet():
    tensors = {'conv1.weight': [2, 3, 7, 7], 'fc.weight': [3, 16], 'fc.bias': [3]}
    batch_norm(tensors, 'bn1', 2)
    before = 2
    for stage in range(4):
        block, width, out = 'layer%d.0.' % (stage + 1), 1, 4 if stage < 3 else 16
        width = 1 if stage < 3 else 4
        for name, shape in (('1', [width, before, 1, 1]), ('2', [width, width, 3, 3]), ('3', [out, width, 1, 1])):
            tensors[block + 'conv%s.weight' % name] = shape
            batch_norm(tensors, block + 'bn' + name, shape[0])
        if before != out:
            tensors[block + 'downsample.0.weight'] = [out, before, 1, 1]
            batch_norm(tensors, block + 'downsample.1', out)
        before = out
    return tensors


def bert(hidden=4, layers=1, words=9, classes=2, types=2):
    tensors = {'embeddings.word_embeddings.weight': [words, hidden], 'embeddings.position_embeddings.weight': [8, hidden]}
    if types:
        tensors['embeddings.token_type_embeddings.weight'] = [types, hidden]

    def linear(name, rows, columns):
        tensors[name + '.weight'] = [rows, columns]
        tensors[name + '.bias'] = [rows]

    def norm(name):
        tensors[name + '.weight'] = tensors[name + '.bias'] = [hidden]

    norm('embeddings.LayerNorm')
    for i in range(layers):
        layer = 'encoder.layer.%d.' % i
        for name in ('attention.self.query', 'attention.self.key', 'attention.self.value', 'attention.output.dense'):
            linear(layer + name, hidden, hidden)
        norm(layer + 'attention.output.LayerNorm')
        linear(layer + 'intermediate.dense', 6, hidden)
        linear(layer + 'output.dense', hidden, 6)
        norm(layer + 'output.LayerNorm')
    if classes:
        linear('pooler.dense', hidden, hidden)
        linear('classifier', classes, hidden)
    return tensors


VOCABULARY = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'a', '##b', 'text']
TOKENIZER = {'clean_text': True, 'chinese_characters': True, 'strip_accents': None, 'lower_case': True,
             'max_word_characters': 100, 'continuation': '##', 'unknown': '[UNK]', 'cls': '[CLS]', 'sep': '[SEP]',
             'pad': '[PAD]', 'mask': '[MASK]', 'max_tokens': 8, 'truncation': 'longest_first'}
CERTIFICATE = {'risk': 'drop', 'epsilon': 0.01, 'delta': 0.1, 'method': 'exact', 'rows': 500, 'bound': 0.009,
               'disagreement_bound': 0.02, 'accuracy': 0.9, 'mainnet_accuracy': 0.91, 'compute': 0.5,
               'thresholds': {'layer1': 0.75}, 'precision': 'f32', 'winograd': True, 'digest': '00'}


def models():
    common = {'format': 'pt', 'sidenet.version': '1'}
    image = {**common, 'sidenet.labels': ['cat', 'dog'],
             'sidenet.architecture': {'family': 'resnet', 'name': 'cifar_resnet8'},
             'sidenet.preprocessing': {'mean': [0.5] * 3, 'std': [0.25] * 3, 'resize': 32, 'crop': 0, 'channels': 3,
                                       'channel_order': 'bgr'}}
    at_layer1 = {'name': 'layer1', 'tap': 'layer1', 'pool': 2, 'hidden': 3, 'temperature': 1.5, 'threshold': 0.75}
    tensors = cifar_resnet()
    write('model', 'resnet', recipe({**image, 'sidenet.exits': []}, tensors))
    write('model', 'resnet_projection', recipe({**image, 'sidenet.exits': []}, cifar_resnet(projection=True)))
    sidenet(tensors, 'exits.layer1', 8, 3, 2)
    mapped = {**at_layer1, 'confidence_map': [[0.5, 0.4], [1, 0.9]]}
    write('model', 'resnet_exit', recipe({**image, 'sidenet.exits': [at_layer1]}, tensors))
    write('model', 'resnet_certified', recipe({**image, 'sidenet.exits': [mapped], 'sidenet.certificate': CERTIFICATE,
                                               'sidenet.final': {'temperature': 1.2, 'confidence_map': [[0, 0], [1, 1]]}},
                                              tensors))
    write('model', 'bottleneck', recipe({**image, 'sidenet.labels': ['a', 'b', 'c'], 'sidenet.exits': [],
                                         'sidenet.architecture': {'family': 'resnet', 'name': 'resnet14'}},
                                        bottleneck_resnet()))
    text = {**common, 'sidenet.labels': ['no', 'yes'], 'sidenet.vocabulary': VOCABULARY, 'sidenet.tokenizer': TOKENIZER,
            'sidenet.architecture': {'family': 'bert', 'name': 'bert-1x4', 'settings': {
                'num_attention_heads': '2', 'layer_norm_eps': '1e-12', 'hidden_act': 'gelu'}}}
    exit_text = {**at_layer1, 'name': 'encoder.layer.0', 'tap': 'encoder.layer.0', 'pool': 'cls+mean'}
    tensors = bert(layers=2)
    sidenet(tensors, 'exits.encoder.layer.0', 8, 3, 2)
    text['sidenet.architecture']['name'] = 'bert-2x4'
    write('model', 'bert', recipe({**text, 'sidenet.exits': [exit_text]}, tensors))
    tensors = bert(classes=0, types=0)
    sidenet(tensors, 'exits.final', 4, 3, 2)
    text['sidenet.architecture']['name'] = 'distilbert-1x4'
    head = {**exit_text, 'name': 'final', 'pool': 'cls'}
    write('model', 'encoder_head', recipe({**text, 'sidenet.exits': [], 'sidenet.head': head}, tensors))


def computed(tensors, endings):
    """A convolution's weight in the parts that PyTorch makes it of."""
    weight = tensors.pop('conv1.weight')
    shapes = {'_g': [weight[0], 1, 1, 1], '_u': [weight[0]]}
    for ending in endings:
        of_vector = ending == '_v' and '_u' in endings
        tensors['conv1.weight' + ending] = [weight[1] * 9] if of_vector else shapes.get(ending, weight)
    return tensors


def imports():
    config = {'model_type': 'bert', 'num_attention_heads': 2, 'hidden_size': 4, 'num_hidden_layers': 1, 'vocab_size': 9,
              'intermediate_size': 6, 'max_position_embeddings': 8, 'layer_norm_eps': 1e-12, 'hidden_act': 'gelu',
              'id2label': {'0': 'no', '1': 'yes'}, 'architectures': ['BertForSequenceClassification']}
    prefixed = {('bert.' + name if not name.startswith('classifier') else name): shape for name, shape in bert().items()}
    vocabulary = '\n'.join(VOCABULARY) + '\n'
    write('import', 'bert', json.dumps(config) + '\0' + vocabulary + '\0' + recipe({'format': 'pt'}, prefixed))
    write('import', 'encoder', json.dumps(config) + '\0' + vocabulary + '\0' + recipe({}, bert(classes=0)))
    distil = {'model_type': 'distilbert', 'n_heads': 2, 'dim': 4, 'activation': 'gelu'}
    names = {'attention.self.query': 'attention.q_lin', 'attention.self.key': 'attention.k_lin',
             'attention.self.value': 'attention.v_lin', 'attention.output.dense': 'attention.out_lin',
             'attention.output.LayerNorm': 'sa_layer_norm', 'intermediate.dense': 'ffn.lin1',
             'output.dense': 'ffn.lin2', 'output.LayerNorm': 'output_layer_norm', 'encoder.layer': 'transformer.layer'}
    tensors = {}
    for name, shape in bert(types=0).items():
        for ours, theirs in names.items():
            name = name.replace(ours, theirs)
        name = name.replace('pooler.dense', 'pre_classifier')
        tensors[name if 'classifier' in name else 'distilbert.' + name] = shape
    write('import', 'distilbert', json.dumps(distil) + '\0' + vocabulary + '\0' + recipe({}, tensors))
    write('import', 'resnet', '\0\0' + recipe({}, cifar_resnet()))
    write('import', 'resnet_prefix', '\0\0' + recipe({}, {'module.' + name: shape for name, shape in cifar_resnet(
        projection=True).items()}))
    write('import', 'bottleneck', '\0\0' + recipe({}, bottleneck_resnet()))
    for name, endings in (('masks', ('_orig', '_mask')), ('norms', ('_v', '_g')), ('vectors', ('_orig', '_u', '_v'))):
        write('import', name, '\0\0' + recipe({}, computed(cifar_resnet(), endings)))
    numbers = {'conv1': '0.0', 'bn1': '0.1', 'layer1': '0.3', 'layer2': '0.4', 'layer3': '0.5', 'linear': '1.4'}
    write('import', 'children', '\0\0' + recipe({}, {numbers[name.split('.')[0]] + '.' + name.split('.', 1)[1]: shape for name, shape in
                                                    cifar_resnet(projection=True).items()}))
    heads = {name: shape for name, shape in cifar_resnet().items() if not name.startswith('linear')}
    write('import', 'layers_of_head', '\0\0' + recipe({}, {**heads, 'fc.0.weight': [6, 8], 'fc.0.bias': [6], 'fc.3.weight': [3, 6],
                                                          '_orig_mod.fc.3.bias': [3]}))


def tokenizers():
    write('tokenizer', 'vocab', '\n'.join(VOCABULARY) + '\n\0A text, ab')


def image():
    # 2 x 1 grey, uncompressed: the smallest BMP that says all.
    header = struct.pack('<IiiHHIIiiII', 40, 2, 1, 1, 24, 0, 8, 1, 1, 0, 0)
    write('image', 'bmp', b'BM' + struct.pack('<IHHI', 62, 0, 0, 54) + header + bytes(8))


def stretched(begin, middle, end, count):
    """What enlarged() in fuzz_support.h makes begin, `count` times middle, and end of."""
    return begin + middle + end + b'*%d,%d,%d' % (len(begin), len(middle), count)


def repeated(lines, count):
    return ''.join('r %d %s\n' % (count, line) for line in lines.splitlines())


def large_models():
    """Small inputs that stand for large files: recipe.h."""
    fields = {'format': 'pt', 'sidenet.version': '1', 'sidenet.labels': ['cat', 'dog'],
              'sidenet.preprocessing': {'mean': [], 'std': [], 'resize': 32, 'crop': 0, 'channels': 3}}
    block = {'layer1.#.conv%s.weight' % part: [1, 1, 3, 3] for part in '12'}
    for part in '12':
        batch_norm(block, 'layer1.#.bn' + part, 1)
    rest = {name: [1 if extent in (2, 4) else extent for extent in shape] for name, shape in cifar_resnet(1).items()}
    rest['linear.weight'], rest['linear.bias'] = [2, 1], [2]

    def image(blocks):
        return {**fields, 'sidenet.architecture': {'family': 'resnet', 'name': 'cifar_resnet%d' % (2 * blocks + 6)}}

    def exits(count, tap):
        head = {}
        sidenet(head, 'exits.e#', 1, 1, 2)
        spec = {'name': 'e#', 'tap': tap, 'pool': 1, 'hidden': 1, 'temperature': 1, 'threshold': 0.5}
        last = json.dumps({**spec, 'name': 'e%d' % count, 'tap': tap.replace('#', '0')})
        return ('m sidenet.exits [\n' + repeated('a sidenet.exits %s,' % json.dumps(spec), count) + 'a sidenet.exits %s]\n' % last +
                repeated(recipe({}, head), count + 1))

    write('model', 'large_blocks', recipe({**image(900), 'sidenet.exits': []}, rest) + repeated(recipe({}, block), 900))
    write('model', 'large_exits', recipe(image(1), rest) + exits(1500, 'layer1.0'))
    write('model', 'large_taps', recipe(image(600), rest) + repeated(recipe({}, block), 600) + exits(600, 'layer1.#'))
    layers = {name.replace('layer.0', 'layer.#'): shape for name, shape in bert().items() if 'layer.0' in name}
    write('import', 'large_layers', json.dumps({'model_type': 'bert', 'num_attention_heads': 2}) + '\0' + '\n'.join(VOCABULARY) + '\n\0' +
          recipe({}, bert()) + repeated(recipe({}, layers), 500))
    write('import', 'large_blocks', '\0\0' + recipe({}, rest) + repeated(recipe({}, block), 900))
    write('import', 'large_prefix', '\0\0p 100000 module.\n' + recipe({}, {'a': [1], 'b': [2]}))
    write('import', 'large_names', '\0\0p 200 layer1.\n' + repeated('t # 1', 2000))
    config = stretched(b'{"model_type": "bert", "num_attention_heads": 2, "id2label": {', b'"#": "a",', b'"-1": "a"}}', 30000)
    write('import', 'large_config', config + b'\0\0' + recipe({}, bert()).encode())


def large():
    """Small inputs that stand for large ones."""
    key = b'\x80\x02}X\x00\x00\x04\x00'
    write('pickle', 'large_key', stretched(key, b'k', b'Ns.', 262144))
    write('pickle', 'large_memo', stretched(b'\x80\x02](', b'X\x02\x00\x00\x00abq\x01h\x01', b'e.', 90000))
    write('pickle', 'large_items', stretched(b'\x80\x02}(', b'M\x01\x02N', b'u.', 200000))
    write('pickle', 'large_nest', stretched(b'\x80\x02', b'(', b'.', 900000))
    entry = b'"t#":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},'
    write('safetensors', 'large_header', stretched(b'{', entry, b'"t":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}', 15000))
    write('safetensors', 'large_metadata', stretched(b'{"__metadata__":{', b'"k#":"v",', b'"k":"v"}}', 60000))
    write('texts', 'large_columns', stretched(b'', b'a\t', b'b\nc\td\n', 250))
    write('texts', 'large_rows', stretched(b'text\tlabel\n', b'a b\tc#\n', b'', 60000))
    write('texts', 'large_line', stretched(b'{"text": "', b'a', b'", "label": 1}\n', 900000))
    write('tokenizer', 'large_vocabulary', stretched('\n'.join(VOCABULARY).encode() + b'\n', b'aaaaaaaaaaaaaaaa#\n', b'\0' + b'a' * 99, 40000))
    write('tokenizer', 'large_text', stretched('\n'.join(VOCABULARY).encode() + b'\n\0', b'a', b' b', 900000))


def hash128(data):
    """src/core/digest.cc"""
    mask, k1, k2 = 2**64 - 1, 0x87c37b91114253d5, 0x4cf5ad432745937f

    def mix64(z):
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & mask
        z = (z ^ z >> 27) * 0x94d049bb133111eb & mask
        return z ^ z >> 31

    lanes = [mix64(k1), mix64(k2), mix64(k1 + 1), mix64(k2 + 1)]
    for words in struct.iter_unpack('<4Q', data + bytes(-len(data) % 32)):
        for i, word in enumerate(words):
            lane = lanes[i] ^ word * k1 & mask
            lanes[i] = (lane << 31 | lane >> 33) * k2 & mask
    a, b, c, d = lanes
    high = mix64(mix64(mix64(mix64(a ^ len(data)) ^ b) ^ c) ^ d)
    low = mix64(mix64(mix64(mix64(d ^ high) + c & mask) + b & mask) + a & mask)
    return high, low


def weight_cache():
    name = b'0123456789abcdef' * 2
    for count in (0, 4, 48):
        floats = struct.pack('<%df' % count, *range(count))
        head = b'SNKEPT02' + name + struct.pack('<3Q', count, *hash128(floats))
        write('weight_cache', '%d_floats' % count, head + floats)
        write('weight_cache', '%d_floats_of_another_hash' % count, head[:-1] + b'\xff' + floats)
    write('weight_cache', 'name', name + b'.weights')
    write('weight_cache', 'older_name', name + b'-12.weights')
    write('weight_cache', 'unfinished_name', name + b'.weights.partial-0123abcd')


def guard_states():
    given = {'layer1': 0.75, 'layer2': 0.9}

    def state(name, bet, action='warn', limit=0.25, rows=0, alarms=0, seen=0, alarm_row=0, thresholds=None):
        guard = {'round': 1 + alarms if action == 'raise' else 1, 'rows': seen, 'differing': seen // 2, 'alarm_row': alarm_row,
                 'bets': [bet] * 19}
        fields = {'version': 1, 'model': '0' * 32, 'limit': limit, 'delta': 0.1, 'action': action, 'confidence': 'max',
                  'given_thresholds': given, 'thresholds': thresholds or given, 'rows': rows, 'audited': rows // 2,
                  'alarms': alarms, 'alarm_row': 7 * alarms, 'guard': guard, 'checksum': '0' * 32}
        write('guard_state', name, json.dumps(fields, separators=(',', ':')) + '\n')

    none = {'evidence': 0.0, 'best': 0.0, 'start': 1, 'differing': 0}
    some = {'evidence': 0.25, 'best': 0.125, 'start': 2, 'differing': 1}
    state('new', none)
    state('seen', some, rows=20, seen=4)
    state('raised', some, action='raise', rows=20, alarms=1, seen=4, thresholds={'layer1': 0.875, 'layer2': 2.0})
    state('proof', {**some, 'evidence': 'inf', 'best': 'inf'}, limit=0.0, rows=20, alarms=1, seen=4, alarm_row=4)


for make in (images_data, texts, pickles, safetensors, models, imports, tokenizers, image, weight_cache, guard_states, large_models, large):
    make()
for target in ('legacy', 'zip', 'npy'):
    (HERE / 'corpus' / target).mkdir(parents=True, exist_ok=True)
for name, target in (('legacy_state_dict.th', 'legacy'), ('zip_state_dict.pth', 'zip'), ('array_f4.npy', 'npy')):
    write(target, name, (GOLDEN / 'checkpoints' / name).read_bytes())
