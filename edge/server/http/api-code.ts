/** SRS's error codes (`srs_kernel_error.hpp`). */
export const Code = {
  success: 0,
  configInvalid: 1023,
  raw: 1060,
  rawDisabled: 1061,
  vhostNotFound: 2014,
  streamNotFound: 2048,
  clientNotFound: 2049,
} as const;
