package records

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

var avroCodecs = map[string]bool{"": true, "null": true, "deflate": true, "snappy": true, "zstandard": true}

var errBlock = fmt.Errorf("it unpacks to more than %d bytes", maxBlock)

// unpack decompresses a block of an Avro file.
func unpack(codec string, packed []byte) ([]byte, error) {
	switch codec {
	case "deflate":
		r := flate.NewReader(bytes.NewReader(packed))
		defer func() { _ = r.Close() }()
		return unpackAll(r)
	case "zstandard":
		r, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return unpackAll(r)
	case "snappy":
		return unpackSnappy(packed)
	}
	return packed, nil
}

func unpackAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxBlock+1))
	if err == nil && len(b) > maxBlock {
		err = errBlock
	}
	return b, err
}

// unpackSnappy takes Avro's form: a checksum follows the compressed bytes.
func unpackSnappy(packed []byte) ([]byte, error) {
	if len(packed) < 4 {
		return nil, errors.New("the checksum is missing")
	}
	packed, sum := packed[:len(packed)-4], binary.BigEndian.Uint32(packed[len(packed)-4:])
	n, err := snappy.DecodedLen(packed)
	if err != nil {
		return nil, err
	}
	if n > maxBlock {
		return nil, errBlock
	}
	b, err := snappy.Decode(nil, packed)
	if err == nil && crc32.ChecksumIEEE(b) != sum {
		err = errors.New("the checksum is wrong")
	}
	return b, err
}
