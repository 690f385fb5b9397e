# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The server's clock, in UTC and in a form that no culture changes.
param($parameters)

$now = [DateTime]::UtcNow

@{ utc = $now.ToString('yyyy-MM-ddTHH:mm:ss') }
