/*
 * secret_sample: a certificate and its key for tests, as YAML's double-quoted
 * text; made for this file and used nowhere else.
 */
#ifndef RULES_KIND_SECRET_SAMPLE_H
#define RULES_KIND_SECRET_SAMPLE_H

#define SAMPLE_CERTIFICATE                                                                                   \
    "\"-----BEGIN CERTIFICATE-----\\n"                                                                       \
    "MIIBbjCCARWgAwIBAgIUWLevKePcdptoen9cNcmibbs6awswCgYIKoZIzj0EAwIw\\n"                                    \
    "DDEKMAgGA1UEAwwBYTAgFw0yNjExMjEwNDMxNTVaGA8yMTI2MTAyODA0MzE1NVow\\n"                                    \
    "DDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABDlAfd2FkRwy\\n"                                    \
    "SQyRlnYDPqB2dr/32eZiB6v5jzDxLPsGUKv/q9ga/+67391GylHj/UJxvoxgByEW\\n"                                    \
    "LMtyvInkEJqjUzBRMB0GA1UdDgQWBBTkjq+mnDcFDPEnhe87tvgR4nHyEjAfBgNV\\n"                                    \
    "HSMEGDAWgBTkjq+mnDcFDPEnhe87tvgR4nHyEjAPBgNVHRMBAf8EBTADAQH/MAoG\\n"                                    \
    "CCqGSM49BAMCA0cAMEQCICLQ/ou287BKk52Kxb1TvhMUmZHRR/W1PZ6sl1jLlBzx\\n"                                    \
    "AiByb2bSreDdxVe3QjKhv4vAIqkRAvio7Ujzw1OlGHxKeA==\\n"                                                    \
    "-----END CERTIFICATE-----\\n\""

#define SAMPLE_KEY                                                                                           \
    "\"-----BEGIN EC PRIVATE KEY-----\\n"                                                                    \
    "MHcCAQEEIPZeP9tbquCA7Qf8NTj/K8rzgz+ZyGvxRBN84ULj5d8FoAoGCCqGSM49\\n"                                    \
    "AwEHoUQDQgAEOUB93YWRHDJJDJGWdgM+oHZ2v/fZ5mIHq/mPMPEs+wZQq/+r2Br/\\n"                                    \
    "7rvf3UbKUeP9QnG+jGAHIRYsy3K8ieQQmg==\\n"                                                                \
    "-----END EC PRIVATE KEY-----\\n\""

#endif
