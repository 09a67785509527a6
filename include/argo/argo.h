/*
 * All of Argo's public interface.
 */
#ifndef ARGO_ARGO_H
#define ARGO_ARGO_H

#include <argo/ask.h>
#include <argo/client.h>
#include <argo/config.h>
#include <argo/context.h>
#include <argo/daemon.h>
#include <argo/error.h>
#include <argo/executor.h>
#include <argo/io_channel.h>
#include <argo/lifecycle.h>
#include <argo/message.h>
#include <argo/question.h>
#include <argo/registry.h>
#include <argo/template.h>
#include <argo/value.h>
#include <argo/version.h>
#include <argo/workflow.h>

#endif
